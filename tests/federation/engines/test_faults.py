"""Broken and hostile sites do not harm a federation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.federation import federate
from fedbragg.types import State, Update


def tampered(train: Callable, change: Callable[[Update], Update]) -> Callable:
    def wrapped(model: State, version: int, epochs: int) -> Update:
        return change(train(model, version, epochs))

    return wrapped


def with_tensors(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Update], Update]:
    return lambda update: replace(
        update, tensors={name: change(tensor) for name, tensor in update.tensors.items()}
    )


FAULTS = {
    "NaN": with_tensors(lambda tensor: tensor * np.nan),
    "infinite": with_tensors(lambda tensor: tensor + np.inf),
    "wrong shapes": with_tensors(lambda tensor: np.stack([tensor, tensor])),
    "missing keys": lambda update: replace(update, tensors={"weight": update.tensors["weight"]}),
    "a model 100x too large": with_tensors(lambda tensor: np.tile(tensor, 100)),
    "numbers 100x too large": with_tensors(lambda tensor: tensor * 100),
    "NaN loss": lambda update: replace(update, loss=float("nan")),
    "no tensors at all": lambda update: replace(update, tensors={}),
    "another's name": lambda update: replace(update, site="nobody"),
}


def final_accuracy(settings, problem, **rules) -> float:
    outcome = federate(settings(barriers=8, **rules), problem.sites, problem.initial)
    return problem.evaluate(outcome.model)["accuracy"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("schedule", ["sync", "hybrid"])
def test_a_broken_site_is_refused_and_the_others_go_on(make_problem, settings, fault, schedule) -> None:
    problem = make_problem()
    problem.sites[1].train = tampered(problem.sites[1].train, FAULTS[fault])
    outcome = federate(settings(schedule=schedule), problem.sites, problem.initial)
    refusals = [line for line in outcome.history if line["event"] in ("rejected", "failed")]
    assert refusals
    assert outcome.barriers == 5
    last = [line for line in outcome.history if line["event"] == "barrier"][-1]
    assert set(last["weights"]) == {"site0", "site2", "site3", "site4"}


@pytest.mark.parametrize("death", [SystemExit(3), MemoryError(), RecursionError()])
def test_a_site_whose_training_dies_is_left_out(problem, settings, death) -> None:
    def dying(*_):
        raise death

    problem.sites[3].train = dying
    outcome = federate(settings(patience=1), problem.sites, problem.initial)
    assert [line["site"] for line in outcome.history if line["event"] == "failed"] == ["site3"]
    assert outcome.barriers == 5


def test_sites_that_learn_nothing_do_not_make_the_others_outliers(problem, settings) -> None:
    for site in problem.sites[1:]:
        site.train = tampered(site.train, with_tensors(np.zeros_like))
    outcome = federate(settings(schedule="sync", barriers=1), problem.sites, problem.initial)
    assert not [line for line in outcome.history if line["event"] == "rejected"]


def test_a_site_that_claims_a_billion_samples_gets_no_more_than_ten_medians(make_problem, settings) -> None:
    problem = make_problem()
    overstated = tampered(problem.sites[1].train, lambda update: replace(update, samples=10**9))
    problem.sites[1].train = overstated
    rules = settings(schedule="sync", aggregation="fedavg", barriers=1, sample_factor=1.0)
    outcome = federate(rules, problem.sites, problem.initial)
    weights = next(line for line in outcome.history if line["event"] == "barrier")["weights"]
    # The others have 120, 200, 90 and 150 frames, so the median of the claims is 150: no site counts as more.
    assert weights == pytest.approx(
        {"site0": 120 / 660, "site1": 150 / 660, "site2": 150 / 660, "site3": 90 / 660, "site4": 150 / 660}
    )


@pytest.mark.parametrize("aggregation", ["median", "trimmed_mean", "krum"])
@pytest.mark.parametrize("schedule", ["sync", "hybrid"])
def test_robust_rules_lose_at_most_a_point_to_an_update_scaled_by_minus_ten(
    make_problem, settings, aggregation, schedule
) -> None:
    rules = {
        "aggregation": aggregation,
        "schedule": schedule,
        "norm_factor": 1e6,
    }  # so that only the rule protects
    losses = []
    for seed in (1, 2, 3):
        clean = final_accuracy(settings, make_problem(seed), **rules)
        problem = make_problem(seed)
        problem.sites[1].train = tampered(problem.sites[1].train, with_tensors(lambda tensor: -10 * tensor))
        losses.append(clean - final_accuracy(settings, problem, **rules))
    assert np.mean(losses) <= 0.01


def test_without_a_robust_rule_that_attack_works(make_problem, settings) -> None:
    rules = {"aggregation": "fedavg", "schedule": "sync", "norm_factor": 1e6}
    clean = final_accuracy(settings, make_problem(), **rules)
    problem = make_problem()
    problem.sites[1].train = tampered(problem.sites[1].train, with_tensors(lambda tensor: -10 * tensor))
    assert final_accuracy(settings, problem, **rules) < clean - 0.05


def test_a_trainer_that_writes_into_the_model_changes_nothing(make_problem, settings) -> None:
    def overwriting(train):
        def wrapped(model, version, epochs):
            update = train(model, version, epochs)
            for tensor in model.values():
                tensor[:] = 1e9
            return update

        return wrapped

    clean, problem = make_problem(), make_problem()
    problem.sites[0].train = overwriting(problem.sites[0].train)
    expected = federate(settings(), clean.sites, clean.initial)
    outcome = federate(settings(), problem.sites, problem.initial)
    assert np.array_equal(outcome.model["weight"], expected.model["weight"])
