"""Random deviates have the distributions that they should have."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fedbragg.simulation.detector.exposure import draw_counts
from fedbragg.simulation.random_streams import normal, poisson


@pytest.mark.parametrize("mean", [0.003, 0.3, 2.0, 7.9, 8.1, 30.0, 900.0])
def test_counts_follow_the_poisson_distribution(mean: float) -> None:
    """Mean and variance of a flat field are equal, and the histogram is the distribution's."""
    expected = np.full((400, 500), mean, np.float32)
    counts = np.empty(expected.shape, np.int32)
    draw_counts(expected, np.uint64(12), counts)
    size = counts.size
    assert counts.mean() == pytest.approx(mean, abs=5 * np.sqrt(mean / size))
    assert counts.var() == pytest.approx(mean, rel=5 * np.sqrt((2 + 1 / mean) / size))
    values = np.arange(counts.max() + 1)
    share = np.bincount(counts.ravel()) / size
    assert abs(np.cumsum(share) - stats.poisson.cdf(values, np.float32(mean))).max() < 2.2 / np.sqrt(size)


@pytest.mark.parametrize("mean", [8.0, 12.0, 100.0])
def test_poisson_quantiles_are_scipys_far_into_the_tails(mean: float) -> None:
    for u in (1e-7, 1e-4, 0.01, 0.5, 0.99, 1 - 1e-4, 1 - 1e-7):
        assert poisson(mean, u) == pytest.approx(stats.poisson.ppf(u, mean), abs=1)


def test_normal_quantiles_are_the_tabulated_ones() -> None:
    for u, quantile in ((0.975, 1.959964), (0.5, 0.0), (0.001, -3.090232), (1 - 1e-6, 4.753424)):
        assert normal(u) == pytest.approx(quantile, abs=1e-6)


def test_neighbouring_pixels_are_not_correlated() -> None:
    expected = np.full((600, 600), 3.0, np.float32)
    counts = np.empty(expected.shape, np.int32)
    draw_counts(expected, np.uint64(5), counts)
    beside = np.corrcoef(counts[:, 1:].ravel(), counts[:, :-1].ravel())[0, 1]
    below = np.corrcoef(counts[1:].ravel(), counts[:-1].ravel())[0, 1]
    assert max(abs(beside), abs(below)) < 4 / 600
