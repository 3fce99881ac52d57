"""The effective sample size, against the known autocorrelation time of an autoregressive series."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fedbragg.metrics.autocorrelation import effective_sample_size, frames_per_independent, independent_frames


def autoregressive(slope: float, number: int, seed: int) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).normal(size=number)
    values = np.zeros(number)
    for position in range(1, number):
        values[position] = slope * values[position - 1] + noise[position]
    return values


@pytest.mark.parametrize("slope", [0.5, 0.8, 0.95])
def test_an_autoregressive_series_has_its_known_sample_size(slope: float) -> None:
    found = np.mean([effective_sample_size(autoregressive(slope, 5000, seed)) for seed in range(20)])
    assert found == pytest.approx(5000 * (1 - slope) / (1 + slope), rel=0.15)


def test_independent_scores_all_count() -> None:
    found = [effective_sample_size(np.random.default_rng(seed).random(400)) for seed in range(50)]
    assert np.median(found) > 300
    assert max(found) == 400


def test_copies_count_once() -> None:
    values = np.repeat(np.random.default_rng(1).random(100), 10)
    assert 60 < effective_sample_size(values) < 160


def test_only_the_order_matters_and_equal_scores_count_as_independent() -> None:
    values = autoregressive(0.8, 500, 3)
    assert effective_sample_size(values) == pytest.approx(effective_sample_size(1 / (1 + np.exp(-values))))
    assert effective_sample_size(np.ones(300)) == 300
    assert effective_sample_size(np.array([0.5])) == 1


def test_unlabelled_frames_between_are_as_correlated() -> None:
    """Every fifth frame of a slow series: the time in frames is that of the whole series."""
    series = autoregressive(0.98, 100_000, 4)
    assert frames_per_independent(series[::5], 5) == pytest.approx(1.98 / 0.02, rel=0.25)
    assert frames_per_independent(np.array([np.nan, np.nan]), 1) == 1


def test_a_correlated_window_counts_as_fewer_frames() -> None:
    assert independent_frames(500, 20.0) == 25
    assert independent_frames(3, 20.0) == 1
