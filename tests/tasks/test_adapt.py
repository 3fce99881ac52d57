from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from fedbragg.config import Federation
from fedbragg.learn.settings import FitSettings
from fedbragg.tasks.adapt import Adapting, adapted, between, prior_of, trained_with
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.tasks.registry import open_task
from fedbragg.testing.toy import Points, ToySettings, ToyTask
from fedbragg.types import State

START: State = {"w": np.array([0.1, -0.2, 0.3])}
FIT = FitSettings(20, learning_rate=1e-2)


@dataclass(frozen=True, slots=True)
class CautiousTask(ToyTask):
    """The toy, whose start model counts for thirty points."""

    learning_rate: ClassVar[float] = 1e-3
    prior_examples: ClassVar[int] = 30


def points(number: int) -> Points:
    x = np.random.default_rng(1).normal(size=(number, 2))
    return Points(x, (x.sum(axis=1) > 0).astype(float))


def task(kind: Any = CautiousTask) -> Any:
    return kind(ToySettings())


@pytest.mark.parametrize(("number", "share"), [(10, 0.25), (30, 0.5), (90, 0.75)])
def test_examples_and_prior_weigh_the_weights_after_and_before(number: int, share: float) -> None:
    data = points(number)
    trained, _ = task().train(START, data, FIT, 1)
    found = adapted(task(), START, data, Adapting(FIT))
    np.testing.assert_allclose(found["w"], START["w"] + share * (trained["w"] - START["w"]), rtol=1e-12)


def test_without_a_prior_nothing_of_the_start_is_kept() -> None:
    data = points(12)
    trained, _ = task().train(START, data, FIT, 1)
    for found in (
        adapted(task(ToyTask), START, data, Adapting(FIT)),
        adapted(task(), START, data, Adapting(FIT, prior=0)),
    ):
        np.testing.assert_array_equal(found["w"], trained["w"])


def test_a_given_prior_goes_before_that_of_the_task() -> None:
    data = points(10)
    few, many = (adapted(task(), START, data, Adapting(FIT, prior=n)) for n in (5, 500))
    moved = [np.abs(one["w"] - START["w"]).sum() for one in (few, many)]
    assert moved[0] == pytest.approx(moved[1] * (10 / 15) / (10 / 510))


def test_without_examples_the_start_is_returned() -> None:
    assert adapted(task(), START, points(0), Adapting(FIT)) is START


def test_counters_are_those_after_training_and_types_stay() -> None:
    start: State = {"mean": np.array([0, 4], np.float32), "steps": np.array(3)}
    end: State = {"mean": np.array([2, 0], np.float32), "steps": np.array(11)}
    found = between(start, end, 0.25)
    np.testing.assert_array_equal(found["mean"], np.array([0.5, 3]))
    assert found["mean"].dtype == np.float32
    assert found["steps"] == 11


@pytest.mark.parametrize(("name", "prior"), [("hits", 100), ("phases", 100), ("tags", 30)])
def test_packaged_models_count_for_some_examples(name: str, prior: int) -> None:
    settings = {"task": name, "server": {"address": "none:1"}, "sites": [{"name": "here"}]}
    assert prior_of(open_task(Federation.model_validate(settings), None), Adapting()) == prior


def test_the_card_states_the_prior() -> None:
    hits = HitsTask(HitsSettings(), PrepareSettings())
    assert trained_with(hits, Adapting())["prior"] == 100
    assert trained_with(hits, Adapting(prior=7))["prior"] == 7
    assert trained_with(task(ToyTask), Adapting())["prior"] == 0
