"""A site: what leaves it, and what its random numbers depend on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from fedbragg.config import TrainingSettings
from fedbragg.corrections import with_correction
from fedbragg.learn.settings import Calibration, FitSettings, LocalTerms
from fedbragg.tasks.hits.data import HitData, HitExample, from_examples
from fedbragg.tasks.hits.learner import pretrain, scores_of
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.surroundings import MEASURES
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.tasks.site import TaskSite
from fedbragg.types import Label, State, Update

LABELS = (Label.HIT, Label.MISS, Label.MAYBE, Label.MISS, Label.MISS)


def made(seed: int = 1, frames: int = 20) -> HitData:
    generator = torch.Generator().manual_seed(seed)
    return from_examples(
        HitExample(
            torch.rand(3 + index % 4, MEASURES, generator=generator),
            LABELS[index % 5],
            torch.full((3 + index % 4,), -1.0),
        )
        for index in range(frames)
    )


START = pretrain(None, 0, 3)


def trained(
    name: str = "i24", seed: int = 1, version: int = 0, hit_weight: float = 3.0, **training: float
) -> Update:
    task = HitsTask(HitsSettings(hit_weight=hit_weight), PrepareSettings())
    site = TaskSite(name, task, made(), TrainingSettings.model_validate({"batch": 4, **training}), seed)
    return site.train(START, version, epochs=2)


def trained_with(terms: LocalTerms, start: State = START, epochs: int = 2) -> Update:
    task = HitsTask(HitsSettings(hit_weight=1.0), PrepareSettings())
    training = TrainingSettings(batch=4, learning_rate=1e-2)
    return TaskSite("i24", task, made(), training, 1, terms=terms).train(start, 0, epochs)


def equal(one: Update, other: Update) -> bool:
    return all(np.array_equal(one.tensors[name], other.tensors[name]) for name in one.tensors)


def test_hits_that_count_more_raise_the_score() -> None:
    """The frames are noise, so only the odds can be learnt; a larger weight of hits shifts them."""
    means = {}
    for weight in (1.0, 9.0):
        update = trained(hit_weight=weight, learning_rate=1e-2)
        state = {name: START[name] + update.tensors[name] for name in START}
        means[weight] = scores_of(state, made()).mean()
    assert means[9.0] > means[1.0] + 0.1


def test_the_fields_that_travel_are_these_and_no_others() -> None:
    fields = [field.name for field in dataclasses.fields(Update)]
    assert fields == [
        "site",
        "version",
        "tensors",
        "samples",
        "label_counts",
        "loss",
        "style",
        "steps",
        "gradient",
    ]
    assert Update.__slots__ == tuple(fields)  # nothing can be hung on


def test_an_update_holds_site_version_counts_loss_and_tensors() -> None:
    update = trained(version=7)
    assert (update.site, update.version, update.samples) == ("i24", 7, 20)
    assert update.label_counts == ((12, 8),)
    assert np.isfinite(update.loss)
    assert sorted(update.tensors) == sorted(START)
    assert all(update.tensors[name].shape == START[name].shape for name in START)
    assert any(update.tensors[name].any() for name in START)


def test_randomness_depends_on_seed_site_and_version_alone() -> None:
    first = trained()
    torch.manual_seed(12345)
    assert equal(first, trained())
    assert first.loss == trained().loss
    assert not equal(first, trained(seed=2))
    assert not equal(first, trained(name="i03"))
    assert not equal(first, trained(version=1))
    assert not equal(
        trained(seed=20260131120000), trained(seed=20260131120001)
    )  # dates and times are seeds too


@pytest.mark.parametrize(("public_frames", "rate"), [(None, 1e-4), (0, 1e-3)])
def test_a_site_trains_at_its_tasks_rate_where_the_settings_name_none(
    public_frames: int | None, rate: float
) -> None:
    task = HitsTask(HitsSettings(public_frames=public_frames), PrepareSettings())
    sites = [
        TaskSite("i24", task, made(), TrainingSettings(batch=4, learning_rate=given), 1)
        for given in (None, rate, 2 * rate)
    ]
    own, same, other = (site.train(START, 0, epochs=1) for site in sites)
    assert equal(own, same) and not equal(own, other)


def test_the_proximal_term_shortens_the_update() -> None:
    def length(update: Update) -> float:
        return float(np.sqrt(sum((array**2).sum() for array in update.tensors.values())))

    assert length(trained(proximal_mu=100.0, learning_rate=0.01)) < 0.8 * length(trained(learning_rate=0.01))


def test_a_shift_by_the_prior_leaves_no_trace_of_the_labels_frequencies() -> None:
    """The frames are noise and two of five are hits: that is all a plain loss learns, and all that the shift hides."""
    means = {}
    for calibration in (None, Calibration("prior")):
        update = trained_with(LocalTerms(calibration), epochs=40)
        state = {name: START[name] + update.tensors[name] for name in START}
        means[calibration] = scores_of(state, made()).mean()
    assert means[None] == pytest.approx(0.4, abs=0.04)
    assert means[Calibration("prior")] == pytest.approx(0.5, abs=0.04)


def test_gradient_and_steps_travel_only_where_the_rule_asks() -> None:
    assert (trained_with(LocalTerms()).gradient, trained_with(LocalTerms()).steps) == ({}, 0)
    update = trained_with(LocalTerms(sends_gradient=True, sends_steps=True))
    assert update.steps == 2 * 5  # two epochs of 20 frames in batches of 4
    assert update.gradient.keys() == START.keys()
    assert all(update.gradient[name].shape == START[name].shape for name in START)


def test_the_gradient_that_travels_points_uphill() -> None:
    """By finite differences: a small step along it changes the loss by its squared length."""
    gradient = trained_with(LocalTerms(sends_gradient=True)).gradient
    squared = sum(float((tensor**2).sum()) for tensor in gradient.values())
    size = 1e-3 / squared**0.5
    task = HitsTask(HitsSettings(hit_weight=1.0), PrepareSettings())
    losses = [
        task.train(
            {name: START[name] + sign * size * gradient[name] for name in START},
            made(),
            FitSettings(epochs=1, batch=20, learning_rate=1e-12),
            1,
        )[1]
        for sign in (1, -1)
    ]
    assert (losses[0] - losses[1]) / (2 * size) == pytest.approx(squared, rel=0.05)


def test_a_correction_beside_the_model_turns_the_training() -> None:
    far = {name: np.full_like(tensor, 100.0) for name, tensor in START.items()}
    pushed = trained_with(LocalTerms(), with_correction(START, far))
    assert pushed.tensors.keys() == START.keys()
    assert all((tensor < 0).all() for tensor in pushed.tensors.values())


def test_training_does_not_change_the_received_model() -> None:
    before = {name: array.copy() for name, array in START.items()}
    trained()
    assert all(np.array_equal(before[name], START[name]) for name in START)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_changes_little(threads: int) -> None:
    kept = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = trained()
        torch.set_num_threads(threads)
        other = trained()
    finally:
        torch.set_num_threads(kept)
    for name in alone.tensors:
        np.testing.assert_allclose(other.tensors[name], alone.tensors[name], atol=1e-5)
