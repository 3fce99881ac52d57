"""Settings with which secure aggregation could not keep its promise are refused, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from fedbragg.config import Federation
from fedbragg.errors import ConfigError
from fedbragg.federation.checkpoint import fingerprint
from fedbragg.federation.plan import check_settings

SITES = [{"name": name, "runs": ["a.h5"], "labels": "a.csv"} for name in "abc"]
RULES = {"schedule": "sync", "clip": 10.0}


def settings(**sections: Any) -> Federation:
    table = {"privacy": {"secure": True}, "sites": SITES, **sections}
    return Federation.model_validate({**table, "federation": {**RULES, **sections.get("federation", {})}})


@pytest.mark.parametrize("rule", ["fedkl", "fedavg", "fedavg_uniform", "fedprox"])
def test_rules_of_sums_are_allowed(rule: str) -> None:
    check_settings(settings(federation={"aggregation": rule}, training={"proximal_mu": 0.01}))


@pytest.mark.parametrize(
    ("federation", "reason"),
    [
        ({"schedule": "async"}, 'applies single updates on arrival; set schedule = "sync"'),
        ({"schedule": "compass"}, 'applies single updates on arrival; set schedule = "sync"'),
        ({"schedule": "hybrid"}, 'with "hybrid" set buffer = 3 or more'),
        ({"schedule": "hybrid", "buffer": 2}, 'with "hybrid" set buffer = 3 or more'),
        *(
            (
                {"aggregation": name},
                f"{name} needs single updates or weights; use fedavg, fedavg_uniform, fedkl, fedprox",
            )
            for name in ("median", "trimmed_mean", "krum", "feddisco", "fedpaq", "fedbuff", "fedasync")
        ),
        ({"clip": 0.0}, "set clip in"),
        ({"compression": "half"}, 'set compression = "full"'),
        ({"selection": "uniform", "cohort": 3}, 'set selection = "all"'),
    ],
)
def test_what_needs_single_updates_is_refused(federation: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        check_settings(settings(federation=federation), "federation.toml")
    assert str(caught.value).startswith("federation.toml [privacy]: secure = true ")


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"style": {"share": "statistics"}}, 'set share = "off"'),
        ({"sites": SITES[:2]}, "needs 3 to 4096 sites, and there are 2"),
        ({"privacy": {"secure": True, "threshold": 5000}}, "set a lower threshold"),
    ],
)
def test_other_sections_are_checked_too(sections: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        check_settings(settings(**sections))


def test_hybrid_needs_sites_for_a_sum_beside_the_buffer() -> None:
    """Three of five in a buffer leave two, whose sum could not hide one from the other."""
    rules, sites = {"schedule": "hybrid", "buffer": 3}, [{**SITES[0], "name": name} for name in "abcdef"]
    check_settings(settings(federation=rules, sites=sites))
    with pytest.raises(ConfigError, match="needs 6 sites, and there are 5: 3 or more must be left"):
        check_settings(settings(federation=rules, sites=sites[:5]))
    strict = {"secure": True, "threshold": 4}
    with pytest.raises(ConfigError, match='with "hybrid" set buffer = 4 or more'):
        check_settings(settings(federation=rules, sites=sites, privacy=strict))
    with pytest.raises(
        ConfigError, match="buffer = 4 needs 8 sites, and there are 6: 4 or more must be left"
    ):
        check_settings(settings(federation={**rules, "buffer": 4}, sites=sites, privacy=strict))


def test_a_checkpoint_belongs_to_secure_settings_or_to_plain_ones() -> None:
    plain, other = settings(privacy={}), settings(privacy={"most_samples": 5})
    secure, stricter = settings(), settings(privacy={"secure": True, "threshold": 3})
    prints = [fingerprint(s, ["a"], {}) for s in (plain, other, secure, stricter)]
    assert prints[0] == prints[1]  # nothing of the section counts where it asks for nothing
    assert len(set(prints)) == 3
