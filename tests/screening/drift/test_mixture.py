"""The distance of a window to the nearest mixture of calibrated hits and misses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstwo

from fedbragg.screening.drift.mixture import distance, dkw_bound, empirical_cdf, mixtures_of, spread_of


def two_classes(generator: np.random.Generator, number: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    hit = generator.random(number) < share
    return np.where(hit, generator.beta(8, 2, number), generator.beta(1, 8, number)), hit


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9, 1.0])
def test_the_hit_rate_does_not_matter(share: float) -> None:
    generator = np.random.default_rng(6)
    known = mixtures_of(spread_of(*two_classes(generator, 20_000, 0.5), 1.0), 10_000, 10_000)
    assert distance(two_classes(generator, 5000, share)[0], known) < 0.03


def test_frames_that_are_neither_hits_nor_misses_are_far_from_all_mixtures() -> None:
    generator = np.random.default_rng(7)
    known = mixtures_of(spread_of(*two_classes(generator, 20_000, 0.5), 1.0), 10_000, 10_000)
    assert distance(np.full(500, 0.5), known) > 0.4
    assert distance(np.full(500, 1.0), known) > 0.7
    half = np.concatenate([np.full(250, 0.5), two_classes(generator, 250, 0.3)[0]])
    assert 0.15 < distance(half, known) < 0.3


def test_fewer_labelled_frames_have_a_larger_allowance() -> None:
    generator = np.random.default_rng(8)
    spread = spread_of(*two_classes(generator, 2000, 0.5), 1.0)
    away = [
        distance(np.full(500, 0.5), mixtures_of(spread, *counts)) for counts in ((1000, 1000), (300, 300))
    ]
    assert away[0] > away[1]


def test_the_last_digit_of_a_common_score_does_not_matter() -> None:
    """Many empty frames share one score, whose last digit differs between machines."""
    values = np.concatenate([np.full(500, 0.037327), np.linspace(0.5, 1, 500)])
    known = mixtures_of(spread_of(values, np.arange(1000) >= 500, 1.0), 500, 500)
    for shifted in (0.037326, 0.037327, 0.037328):
        assert distance(np.full(400, shifted), known) < 0


def test_the_bound_is_above_the_exact_distribution() -> None:
    """DKW with Massart's constant against scipy's exact law of the two-sided statistic."""
    for frames in (50, 500):
        for error in (1e-2, 1e-5):
            assert kstwo.sf(dkw_bound(frames, error), frames) <= error
            assert kstwo.sf(0.97 * dkw_bound(frames, error), frames) > error


def test_the_empirical_distribution_by_hand() -> None:
    points = np.array([0.0, 0.1, 0.5, 1.0])
    assert empirical_cdf(np.array([0.1, 0.1, 0.9, 1.0]), points).tolist() == [0, 0.5, 0.5, 1]
