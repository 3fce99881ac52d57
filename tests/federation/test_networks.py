"""Which settings allow different networks, and what a site sees of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fedbragg.config import Federation
from fedbragg.errors import ConfigError
from fedbragg.federation.checkpoint import fingerprint
from fedbragg.federation.networks import networks_of, of_site
from fedbragg.federation.plan import Plan, check_settings
from fedbragg.federation.rules import RULES

TWO = [{"name": "a", "network": "one"}, {"name": "b", "network": "two"}]


def settings(sites: list[dict[str, str]] = TWO, **sections: Any) -> Federation:
    table = {"server": {"address": "none:1"}, "sites": sites, **sections}
    return Federation.model_validate(table)


def test_each_sites_network_is_in_the_plan() -> None:
    plan = Plan.of(settings())
    assert plan.networks == {"a": "one", "b": "two"}
    assert plan.part("b", {"one/w": 1, "two/w": 2}) == {"w": 2}  # type: ignore[dict-item]
    assert Plan.of(settings([{"name": "a"}])).networks == {}


def test_all_sites_name_a_network_or_none_does() -> None:
    with pytest.raises(ConfigError, match="site b names no network, and other sites do"):
        networks_of(settings([TWO[0], {"name": "b"}]))


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        (
            {"federation": {"schedule": "async"}},
            'where "async" makes no model; set schedule = "sync" or "hybrid"',
        ),
        ({"federation": {"schedule": "compass"}}, 'where "compass" makes no model'),
        (
            {"federation": {"aggregation": "median"}},
            "median compares or corrects steps of one network; use fedavg",
        ),
        ({"federation": {"aggregation": "krum"}}, "krum compares"),
        ({"federation": {"aggregation": "fedawa"}}, "fedawa compares"),
        ({"federation": {"aggregation": "scaffold", "schedule": "sync"}}, "scaffold compares"),
        ({"federation": {"aggregation": "feddyn", "schedule": "sync"}}, "feddyn compares"),
        ({"federation": {"local_batchnorm": True}}, "local_batchnorm keeps at the sites"),
        (
            {"federation": {"schedule": "sync", "clip": 1.0}, "privacy": {"secure": True}},
            "secure = true hides the single models",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(sections: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refusal:
        check_settings(settings(**sections), "federation.toml")
    assert str(refusal.value).startswith("federation.toml [[sites]]: network: ")
    assert "\n" not in str(refusal.value)


def test_rules_that_average_are_those_whose_weights_ask_nothing_of_the_steps() -> None:
    refused = {"fedawa", "scaffold", "feddyn", "fedboost", "median", "trimmed_mean", "krum"}
    assert {name for name, rule in RULES.items() if not rule.averages} == refused


def test_a_site_sees_its_network_in_the_tasks_own_section() -> None:
    plan = settings(hits={"network": "one", "block": 9})
    assert (of_site(plan, "b").model_extra or {})["hits"] == {"network": "two", "block": 9}
    alone = settings([{"name": "a"}], hits={"block": 9})
    assert of_site(alone, "a") is alone


def test_a_checkpoint_is_not_resumed_with_the_networks_exchanged() -> None:
    initial = {"one/w": np.zeros(2), "two/w": np.zeros(2)}
    marks = [
        fingerprint(settings(), ["a", "b"], initial, networks)
        for networks in ({"a": "one", "b": "two"}, {"a": "two", "b": "one"}, {}, None)
    ]
    assert len(set(marks)) == 3
    assert marks[2] == marks[3]  # as every version before wrote it
