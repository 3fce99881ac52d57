"""How many hits count, against the autocorrelation time known for an autoregressive series."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fedbragg.metrics.autocorrelation import effective_hits, frames_apart


def autoregressive(slope: float, number: int, seed: int) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).normal(size=number)
    values = np.zeros(number)
    for position in range(1, number):
        values[position] = slope * values[position - 1] + noise[position]
    return values


@pytest.mark.parametrize("slope", [0.5, 0.8, 0.95])
def test_an_autoregressive_series_has_its_known_time(slope: float) -> None:
    found = np.mean([effective_hits(autoregressive(slope, 5000, seed)) for seed in range(20)])
    assert found == pytest.approx(5000 * (1 - slope) / (1 + slope), rel=0.15)


def test_independent_hits_all_count() -> None:
    found = [effective_hits(np.random.default_rng(seed).random(400)) for seed in range(50)]
    assert np.median(found) > 300
    assert max(found) == 400


def test_copies_count_once() -> None:
    values = np.repeat(np.random.default_rng(1).random(100), 10)
    assert 60 < effective_hits(values) < 160


def test_scale_does_not_matter_and_equal_scores_tell_nothing() -> None:
    values = autoregressive(0.8, 500, 3)
    assert effective_hits(values) == pytest.approx(effective_hits(1 / (1 + np.exp(-values))))
    assert effective_hits(np.ones(300)) == 300
    assert effective_hits(np.array([0.5])) == 1


def test_frames_between_labelled_ones_are_as_alike() -> None:
    """Every fifth frame of a slow series: the time in frames is that of the whole series."""
    series = autoregressive(0.98, 100_000, 4)
    assert frames_apart(series[::5], 5) == pytest.approx(1.98 / 0.02, rel=0.25)
    assert frames_apart(np.array([np.nan, np.nan]), 1) == 1
