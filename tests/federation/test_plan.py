"""Settings that the rule cannot run with are refused before any work, with a remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from fedbragg.config import load
from fedbragg.errors import ConfigError
from fedbragg.federation import federate
from fedbragg.federation.plan import Plan, check_settings
from fedbragg.federation.rules import RULES

REFUSED = [
    ({"aggregation": "mean"}, "aggregation: unknown rule 'mean'. Known rules: fedavg, fedavg_uniform, fedkl"),
    ({"aggregation": "krum", "schedule": "async"}, 'set schedule = "hybrid" or "sync"'),
    ({"aggregation": "fedboost", "schedule": "hybrid"}, 'set schedule = "sync"'),
    ({"schedule": "compass", "selection": "size"}, "cannot draw sites on the schedule"),
    ({"aggregation": "fedasync", "schedule": "compass"}, 'set schedule = "async" or "hybrid" or "sync"'),
    ({"aggregation": "scaffold"}, 'set schedule = "sync"'),
    ({"aggregation": "fednova", "schedule": "async"}, 'set schedule = "sync"'),
    (
        {"aggregation": "feddyn", "schedule": "sync", "local_batchnorm": True},
        "feddyn corrects every tensor of the model",
    ),
    ({"aggregation": "scaffold", "schedule": "sync", "clip": 1.0}, "scaffold sends a gradient of each site"),
    ({"aggregation": "fedprox"}, "fedprox needs proximal_mu in [training]"),
]


@pytest.mark.parametrize(("rules", "remedy"), REFUSED)
def test_rules_that_do_not_fit_are_refused_with_a_remedy(
    settings, rules: dict[str, Any], remedy: str
) -> None:
    for check in (check_settings, Plan.of):
        with pytest.raises(ConfigError) as refusal:
            check(settings(**rules))
        assert str(refusal.value).startswith("settings [federation]: ")
        assert remedy in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_an_unknown_rule_is_refused_before_any_site_trains(problem, settings) -> None:
    trained: list[object] = []
    problem.sites[0].train = lambda *arguments: trained.append(arguments)
    with pytest.raises(ConfigError, match="unknown rule 'mean'"):
        federate(settings(aggregation="mean"), problem.sites, problem.initial)
    assert not trained


def test_a_refusal_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "federation.toml"
    path.write_text('[federation]\naggregation = "mean"\n[[sites]]\nname = "a"\nruns = ["a"]\nlabels = "l"\n')
    with pytest.raises(ConfigError) as refusal:
        check_settings(load(path), str(path))
    assert str(refusal.value).startswith(
        f"{path} [federation]: aggregation: unknown rule 'mean'. Known rules: "
    )
    assert all(name in str(refusal.value) for name in RULES)


def test_commands_refuse_a_rule_that_trains_no_network(settings) -> None:
    with pytest.raises(ConfigError, match="fedboost trains no network"):
        check_settings(settings(aggregation="fedboost", schedule="sync"))


def test_python_runs_a_rule_that_trains_no_network(settings) -> None:
    assert not Plan.of(settings(aggregation="fedboost", schedule="sync")).rule.trains_network


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.trains_network])
def test_every_other_rule_is_accepted_on_its_schedules(settings, name: str) -> None:
    for schedule in RULES[name].schedules:
        plain = settings(aggregation=name, schedule=schedule)
        pulled = plain.training.model_copy(update={"proximal_mu": 0.01})
        check_settings(plain.model_copy(update={"training": pulled}))


def test_epochs_out_of_order_are_refused(settings) -> None:
    with pytest.raises(ValidationError, match="fewest and the most epochs"):
        settings(compass_epochs=(5, 1))


def test_a_site_sees_only_the_tensors_of_its_network(settings) -> None:
    plan = Plan.of(settings(), {"a": "small"})
    model = {"small/w": np.zeros(1), "large/w": np.ones(1)}
    assert plan.part("a", model).keys() == {"w"}
    assert plan.whole("a", {"w": np.zeros(1)}).keys() == {"small/w"}
