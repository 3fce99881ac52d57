"""Random deviates against the distributions they are to follow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fedbragg.simulation.detector.exposure import draw_counts
from fedbragg.simulation.detector.readout import integrate
from fedbragg.simulation.random_streams import normal, poisson


@pytest.mark.parametrize("mean", [0.003, 0.3, 2.0, 7.9, 8.1, 30.0, 900.0])
def test_counts_are_poisson(mean: float) -> None:
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
def test_the_expansion_is_the_quantile_far_into_the_tails(mean: float) -> None:
    for u in (1e-7, 1e-4, 0.01, 0.5, 0.99, 1 - 1e-4, 1 - 1e-7):
        assert poisson(mean, u) == pytest.approx(stats.poisson.ppf(u, mean), abs=1)


def test_normal_quantiles_are_those_of_the_tables() -> None:
    for u, quantile in ((0.975, 1.959964), (0.5, 0.0), (0.001, -3.090232), (1 - 1e-6, 4.753424)):
        assert normal(u) == pytest.approx(quantile, abs=1e-6)


def test_nothing_expected_is_nothing_counted() -> None:
    counts = np.full((3, 4), 7, np.int32)
    draw_counts(np.zeros((3, 4), np.float32), np.uint64(1), counts)
    assert not counts.any()


def test_neighbours_are_not_correlated() -> None:
    expected = np.full((600, 600), 3.0, np.float32)
    counts = np.empty(expected.shape, np.int32)
    draw_counts(expected, np.uint64(5), counts)
    beside = np.corrcoef(counts[:, 1:].ravel(), counts[:, :-1].ravel())[0, 1]
    below = np.corrcoef(counts[1:].ravel(), counts[:-1].ravel())[0, 1]
    assert max(abs(beside), abs(below)) < 4 / 600


def test_a_ccd_keeps_the_light_and_correlates_the_noise() -> None:
    """Point spread moves light, it neither makes nor loses any; read noise alone has its own variance."""
    photons = np.random.default_rng(2).poisson(50, (500, 500)).astype(np.int32)
    kernel = np.array([0.25, 0.5, 0.25], np.float32)
    counts = np.empty(photons.shape, np.int32)
    integrate(photons, kernel, (4.0, 100.0, 0.0, 65535.0), np.uint64(3), counts)
    inside = counts[1:-1, 1:-1]
    assert inside.mean() == pytest.approx(100 + 4 * 50, rel=2e-3)
    # variance: gain^2 * mean * (1/4^2 + 1/2^2 + 1/4^2)^2, and 1/12 for whole counts
    assert inside.var() == pytest.approx(16 * 50 * 0.375**2 + 1 / 12, rel=0.03)
    integrate(np.zeros_like(photons), kernel, (4.0, 100.0, 6.0, 65535.0), np.uint64(4), counts)
    assert counts.mean() == pytest.approx(100, abs=0.06)
    assert counts.var() == pytest.approx(36 + 1 / 12, rel=0.02)
