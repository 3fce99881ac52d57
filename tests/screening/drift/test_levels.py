"""Background levels: the calibrated ranges, and the share of similar frames outside them."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.screening.drift.levels import calibrated_levels, is_outside
from fedbragg.tasks.hits.calibration_card import Levels, Spread


def test_ranges_extend_a_quarter_beyond_the_levels() -> None:
    levels = np.concatenate([np.geomspace(0.5, 2, 100), np.geomspace(80, 160, 100)])
    found = calibrated_levels(levels, np.arange(200) % 2 == 0)
    (a, b), (c, d) = found.ranges
    assert (a, b) == pytest.approx((0.4, 2.5), rel=0.01)
    assert (c, d) == pytest.approx((64, 200), rel=0.01)
    for level in (0.39, 2.6, 10.0, 63.0, 210.0, 0.0, -5.0):
        assert is_outside(level, found)
    for level in (0.41, 1.0, 2.4, 65.0, 199.0):
        assert not is_outside(level, found)


def test_levels_of_zero_and_below_make_a_range() -> None:
    levels = np.tile([0.0, 0.001, -0.002, 0.005], 50)
    found = calibrated_levels(levels, np.arange(200) % 2 == 0)
    assert len(found.ranges) == 1
    assert not is_outside(0.0, found)
    assert is_outside(0.05, found)
    assert is_outside(-0.1, found)


def test_unknown_levels_are_not_outside() -> None:
    nothing = calibrated_levels(np.full(50, np.nan), np.arange(50) < 25)
    assert nothing == Levels(Spread((), (), ()), (), 0.0)
    assert not is_outside(5.0, nothing)
    assert not is_outside(None, calibrated_levels(np.ones(50), np.arange(50) < 25))


@pytest.mark.parametrize("kind", ["normal", "two detectors", "ties", "heavy tails"])
def test_the_share_of_similar_frames_outside_is_bounded(kind: str) -> None:
    """The bound may be wrong in one of 400 calibrations, whatever the distribution."""
    generator = np.random.default_rng(5)

    def draw(number: int) -> np.ndarray:
        if kind == "two detectors":
            return np.exp(np.where(generator.random(number) < 0.5, -3, 4) + generator.normal(0, 0.3, number))
        if kind == "ties":
            return generator.poisson(0.5, number).astype(float)
        if kind == "heavy tails":
            return np.exp(3 * generator.standard_cauchy(number).clip(-50, 50))
        return np.exp(generator.normal(2, 1, number))

    broken = 0
    for _ in range(200):
        found = calibrated_levels(draw(400), np.arange(400) < 100)
        fresh = draw(2000)
        broken += np.mean([is_outside(level, found) for level in fresh]) > found.outside + 0.005
    assert broken <= 3
