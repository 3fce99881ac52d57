"""Sites that judge new models: which they refuse, and what that means for the round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
import pytest
from driving import Driver, coordinator, of_kind, update

from fedbragg.config import Federation
from fedbragg.errors import ModelRefused
from fedbragg.federation import federate
from fedbragg.federation.events import (
    Finish,
    ModelWithdrawn,
    SendModel,
    SiteFailed,
    SiteJoined,
    SiteRefused,
    UpdateArrived,
)
from fedbragg.federation.trainer import ChangedTrainer, Trainer
from fedbragg.federation.veto import Standard, Veto
from fedbragg.types import State, Update

# What one site accepts


def test_a_site_accepts_the_first_model_and_later_ones_up_to_its_largest_fall() -> None:
    standard = Standard(largest_fall=0.1)
    for score in (0.5, 0.8, 0.71):
        standard.take(score)
    with pytest.raises(ModelRefused, match="held-out examples"):
        standard.take(0.69)
    standard.take(0.75)
    assert standard.least == pytest.approx(0.7)  # small falls in a row do not lower the standard


def test_a_score_that_is_no_number_is_refused_once_there_is_a_standard() -> None:
    standard = Standard(0.1)
    standard.take(nan)  # held-out examples of one kind only: nothing can be judged
    assert standard.least is None
    standard.take(0.9)
    with pytest.raises(ModelRefused):
        standard.take(nan)


# What it means for the round


def started(schedule: str = "sync", sites: int = 5, **rules: Any) -> Driver:
    return Driver(coordinator(sites, schedule=schedule, **rules)).start()


def pass_barrier(driver: Driver, value: float) -> None:
    for site in sorted(driver.sent):
        driver.handle(UpdateArrived(update(driver.sent[site], value)))


def refuse(driver: Driver, *sites: str) -> list[Any]:
    return [c for s in sites for c in driver.handle(SiteRefused(s, driver.sent[s].version, "worse"))]


def test_the_round_goes_on_without_a_minority_that_is_asked_again_with_the_next_model() -> None:
    driver = started()
    pass_barrier(driver, 1.0)
    refuse(driver, "s0", "s1")
    for site in ("s2", "s3", "s4"):
        commands = driver.handle(UpdateArrived(update(driver.sent[site], 1.0)))
    assert set(driver.newest.weights) == {"s2", "s3", "s4"}
    assert {c.site for c in of_kind(commands, SendModel)} == {"s0", "s1", "s2", "s3", "s4"}
    assert driver.coordinator.roster["s0"].failures == 0


@pytest.mark.parametrize("schedule", ["sync", "hybrid"])
def test_a_majority_withdraws_the_model_and_the_round_begins_on_the_one_before(schedule: str) -> None:
    driver = started(schedule)
    pass_barrier(driver, 1.0)
    before = driver.coordinator.versions.barrier_model
    driver.coordinator.versions.before = before  # two barriers have passed
    if schedule == "sync":
        pass_barrier(driver, 5.0)
    commands = refuse(driver, "s0", "s1", "s2")
    withdrawn = of_kind(commands, ModelWithdrawn)[0]
    assert withdrawn.sites == ("s0", "s1", "s2")
    np.testing.assert_array_equal(withdrawn.model["w"], before["w"])
    sent = of_kind(commands, SendModel)
    assert {c.site for c in sent} == {"s0", "s1", "s2", "s3", "s4"}
    assert all(np.array_equal(c.model["w"], before["w"]) for c in sent)


def test_the_federation_ends_on_the_last_accepted_model_after_patience_withdrawals_in_a_row() -> None:
    driver = started(patience=2)
    pass_barrier(driver, 1.0)
    accepted = driver.coordinator.versions.newest
    for _ in range(2):
        pass_barrier(driver, 9.0)
        commands = refuse(driver, "s0", "s1", "s2")
    finish = of_kind(commands, Finish)[0]
    assert "2 barriers in a row were refused, the last by s0, s1, s2" in finish.reason
    np.testing.assert_array_equal(finish.model["w"], accepted["w"])


def test_a_model_that_is_accepted_in_between_ends_the_row() -> None:
    driver = started(patience=2)
    pass_barrier(driver, 1.0)
    for _ in range(3):
        pass_barrier(driver, 9.0)
        assert not of_kind(refuse(driver, "s0", "s1", "s2"), Finish)
        pass_barrier(driver, 1.0)
        pass_barrier(driver, 1.0)


def test_a_start_model_that_most_refuse_ends_the_federation() -> None:
    driver = started()
    finish = of_kind(refuse(driver, "s0", "s1", "s2"), Finish)[0]
    assert finish.reason == "s0, s1, s2 refuse the model, and there is no earlier one"


def test_a_model_is_withdrawn_where_the_others_are_too_few_to_go_on() -> None:
    """Else the same sites would be asked the same for ever."""
    driver = started(sites=2)
    pass_barrier(driver, 1.0)
    pass_barrier(driver, 9.0)
    assert not of_kind(refuse(driver, "s0"), ModelWithdrawn)
    assert of_kind(driver.handle(SiteFailed("s1", "no memory")), ModelWithdrawn)


def test_a_refusal_of_no_request_changes_nothing() -> None:
    driver = started()
    assert driver.coordinator.handle(SiteRefused("s0", 99, "worse")) == []
    assert driver.coordinator.handle(SiteRefused("stranger", 0, "worse")) == []


def test_a_site_that_joins_again_is_asked_again() -> None:
    driver = started()
    pass_barrier(driver, 1.0)
    refuse(driver, "s0", "s1")
    driver.handle(SiteJoined("s0"))
    assert not of_kind(refuse(driver, "s2"), ModelWithdrawn)  # two of five refuse
    assert of_kind(refuse(driver, "s0"), ModelWithdrawn)[0].sites == ("s0", "s1", "s2")


# In the local engine


def poisoned(trainer: Trainer, from_version: int = 2) -> Trainer:
    """Return a site that learns for two rounds and then sends the opposite of what it has learnt, many times over."""

    def train(trainer: Trainer, model: State, version: int, epochs: int) -> Update:
        update = trainer.train(model, version, epochs)
        factor = -30.0 if version >= from_version else 1.0
        return replace(update, tensors={name: factor * t for name, t in update.tensors.items()})

    return ChangedTrainer(trainer, train)


def judged(problem: Any, settings: Callable[..., Federation], **rules: Any) -> tuple[Any, list[Veto]]:
    """Return the outcome of a federation with one hostile site in five, and the honest sites' vetoes."""
    vetoes = [Veto(lambda model: problem.evaluate(model)["accuracy"], Standard(0.1)) for _ in range(4)]
    honest = [veto.over(site) for veto, site in zip(vetoes, problem.sites[1:], strict=True)]
    hostile = poisoned(problem.sites[0])
    rules = {"schedule": "sync", "barriers": 8, "norm_factor": 1e6, "patience": 2, **rules}
    outcome = federate(settings(**rules), [hostile, *honest], problem.initial)
    return outcome, vetoes


@pytest.mark.parametrize("rules", [{}, {"clip": 100.0}])
def test_poisoned_models_are_withdrawn_and_the_sites_keep_a_good_one(
    problem: Any, settings: Callable[..., Federation], rules: dict[str, float]
) -> None:
    outcome, vetoes = judged(problem, settings, **rules)
    events = [line["event"] for line in outcome.history]
    assert events.count("withdrawn") == 2
    vetoed = {line["site"] for line in outcome.history if line["event"] == "vetoed"}
    assert vetoed <= {site.name for site in problem.sites[1:]}
    assert len(vetoed) >= 3  # the third makes the majority, and nobody else needs to be heard
    assert "in a row were refused" in outcome.reason
    good = problem.evaluate(outcome.model)["accuracy"]
    assert good > 0.6
    kept = vetoes[0].kept({name: -50 * tensor for name, tensor in outcome.model.items()})
    assert problem.evaluate(kept)["accuracy"] > 0.6


def test_the_same_works_under_masks(problem: Any, settings: Callable[..., Federation]) -> None:
    plan = settings(schedule="sync", barriers=8, patience=2, clip=100.0, aggregation="fedavg")
    plan = plan.model_copy(update={"privacy": plan.privacy.model_copy(update={"secure": True})})
    outcome, _ = judged(problem, lambda **rules: plan)
    assert [line["event"] for line in outcome.history].count("withdrawn") == 2
    assert problem.evaluate(outcome.model)["accuracy"] > 0.6
