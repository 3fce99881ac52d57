"""Private training of spotnet: the unit is a run or crystal, and only noisy sums leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fedbragg.config import TrainingSettings
from fedbragg.errors import LabelError
from fedbragg.learn.private_loop import gradients_one_by_one, unit_vectors
from fedbragg.learn.settings import PrivateTerms
from fedbragg.tasks.hits.data import HitData, HitExample, concatenate, from_examples
from fedbragg.tasks.hits.learner import HitProblem, network_of, pretrain, scores_of
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.private import HitUnits, frames_by_unit
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.surroundings import MEASURES
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.tasks.site import TaskSite
from fedbragg.types import Label

START = pretrain(None, 0, 3)
TASK = HitsTask(HitsSettings(hit_weight=1.0), PrepareSettings())


def made(frames: int, units: list[int] | None = None) -> HitData:
    """Frames of which every other is a hit with strong measures."""
    draw = torch.Generator().manual_seed(2)
    data = from_examples(
        HitExample(
            torch.rand(4, MEASURES, generator=draw) + index % 2,
            Label.HIT if index % 2 else Label.MISS,
            torch.full((4,), -1.0),
        )
        for index in range(frames)
    )
    return data if units is None else replace(data, units=torch.tensor(units))


def vectors(data: HitData) -> torch.Tensor:
    network = network_of(START)
    units = HitUnits(HitProblem(network, data), frames_by_unit(data))
    return unit_vectors(units, range(len(units)), 1.0)


def site(data: HitData, terms: PrivateTerms, **more: object) -> TaskSite[HitData]:
    training = TrainingSettings(learning_rate=3e-3)
    return TaskSite("a", TASK, data, training, seed=1, private=terms, **more)  # type: ignore[arg-type]


def test_the_gradients_of_one_pass_are_those_of_each_unit_alone() -> None:
    data = made(7, [0, 1, 1, 2, 0, 3, 3])
    network = network_of(START)
    problem = HitProblem(network, data, hit_weight=3.0)
    units = HitUnits(problem, frames_by_unit(data))
    found = units.gradients(range(4))
    expected = gradients_one_by_one(network, lambda unit: problem.loss(units.frames[unit]), range(4))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_copies_of_a_frame_in_one_crystal_add_no_more_than_the_frame() -> None:
    one = made(1, [0])
    copies = replace(concatenate([one] * 5), units=torch.zeros(5, dtype=torch.int64))
    assert torch.allclose(vectors(copies), vectors(one), atol=1e-6)


def test_frames_are_grouped_by_unit_wherever_they_lie() -> None:
    assert [frames.tolist() for frames in frames_by_unit(made(5, [7, 3, 7, 3, 9]))] == [[1, 3], [0, 2], [4]]


def test_units_of_pooled_sites_stay_apart_and_a_slice_keeps_its_own() -> None:
    pooled = concatenate([made(3, [0, 0, 1]), made(2, [0, 1])])
    assert pooled.units is not None
    assert pooled.units.tolist() == [0, 0, 1, 2, 3]
    part = pooled[2:4]
    assert part.units is not None
    assert part.units.tolist() == [1, 2]
    assert concatenate([made(3, [0, 0, 1]), made(2)]).units is None


def test_frames_of_unknown_crystals_are_refused() -> None:
    with pytest.raises(LabelError, match="which run or crystal"):
        site(made(6), PrivateTerms(0.5, 1.0, 1.0)).train(START, 0, 1)


def test_a_site_learns_with_noise_and_tells_counts_of_crystals() -> None:
    data = made(120, [index // 2 for index in range(120)])  # 60 crystals, each with a hit and a miss
    update = site(data, PrivateTerms(0.5, 0.3, 1.0)).train(START, 0, 20)
    assert update.samples == pytest.approx(60, abs=6)
    assert update.label_counts[0] == pytest.approx((30, 30), abs=4)
    state = {name: START[name] + update.tensors[name] for name in START}
    scores = scores_of(state, data)
    assert np.median(scores[1::2]) > np.median(scores[::2]) + 0.2


def test_secret_noise_is_new_each_time_and_that_of_a_seed_is_not() -> None:
    data, terms = made(6, list(range(6))), PrivateTerms(0.5, 1.0, 1.0)
    for secret, same in ((False, True), (True, False)):
        one, other = (site(data, terms, secret_noise=secret).train(START, 0, 1) for _ in range(2))
        assert np.array_equal(one.tensors["spot.0.weight"], other.tensors["spot.0.weight"]) is same
