"""What drift is judged by: a frame's level, the ranges seen, and the distance from any mixture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, kstwo

from fedbragg.screening.background import background_level
from fedbragg.screening.drift.levels import levels_seen, unseen
from fedbragg.screening.drift.mixture import distance, dkw, mixtures, spread_of
from fedbragg.screening.drift.monitor import most_outside
from fedbragg.tasks.hits.calibration_card import Levels, Spread
from fedbragg.types import Frame


def frame(counts: np.ndarray, mask: np.ndarray | None = None) -> Frame:
    return Frame(counts, np.zeros(counts.shape, np.bool_) if mask is None else mask, "made.h5", 0)


@pytest.mark.parametrize("level", [0.0, 0.05, 1.0, 40.0, 3000.0])
@pytest.mark.parametrize("shape", [(300, 400), (2167, 2070)])
def test_the_level_is_the_mean_of_an_even_frame(level: float, shape: tuple[int, int]) -> None:
    counts = np.random.default_rng(1).poisson(level, shape).astype(np.uint16)
    assert background_level(frame(counts)) == pytest.approx(level, rel=0.1 if level < 1 else 0.02)


def test_neither_spots_nor_hot_pixels_nor_gaps_move_it() -> None:
    generator = np.random.default_rng(2)
    counts = generator.poisson(10, (1000, 1000)).astype(np.int32)
    plain = background_level(frame(counts))
    mask = np.zeros(counts.shape, np.bool_)
    mask[400:420] = True
    counts[400:420] = -1
    counts[generator.integers(0, 1000, 400), generator.integers(0, 1000, 400)] = 1_000_000
    assert background_level(frame(counts, mask)) == pytest.approx(plain, rel=0.03)


def test_gain_and_offset_show_in_it() -> None:
    """The View has neither; the level must, for they are what drifts."""
    counts = np.random.default_rng(3).poisson(10, (500, 500)).astype(np.int32)
    level = background_level(frame(counts))
    assert level is not None
    assert background_level(frame(2 * counts)) == pytest.approx(2 * level, rel=1e-3)
    assert background_level(frame(counts - 20)) == pytest.approx(level - 20, rel=1e-3)


def test_a_frame_without_a_pixel_has_no_level() -> None:
    counts = np.ones((64, 64), np.uint16)
    assert background_level(frame(counts, np.ones(counts.shape, np.bool_))) is None


def test_a_level_comes_back_from_a_table_as_it_was() -> None:
    counts = np.random.default_rng(4).poisson(12.3456, (500, 500)).astype(np.uint16)
    level = background_level(frame(counts))
    assert level == float(f"{level:.4g}")


def test_ranges_hold_what_was_seen_with_a_quarter_to_spare() -> None:
    levels = np.concatenate([np.geomspace(0.5, 2, 100), np.geomspace(80, 160, 100)])
    found = levels_seen(levels, np.arange(200) % 2 == 0)
    (a, b), (c, d) = found.ranges
    assert (a, b) == pytest.approx((0.4, 2.5), rel=0.01)
    assert (c, d) == pytest.approx((64, 200), rel=0.01)
    for level in (0.39, 2.6, 10.0, 63.0, 210.0, 0.0, -5.0):
        assert unseen(level, found)
    for level in (0.41, 1.0, 2.4, 65.0, 199.0):
        assert not unseen(level, found)


def test_levels_of_nothing_and_below_nothing_make_a_range() -> None:
    levels = np.tile([0.0, 0.001, -0.002, 0.005], 50)
    found = levels_seen(levels, np.arange(200) % 2 == 0)
    assert len(found.ranges) == 1
    assert not unseen(0.0, found)
    assert unseen(0.05, found)
    assert unseen(-0.1, found)


def test_unknown_levels_are_not_unseen() -> None:
    nothing = levels_seen(np.full(50, np.nan), np.arange(50) < 25)
    assert nothing == Levels(Spread((), (), ()), (), 0.0)
    assert not unseen(5.0, nothing)
    assert not unseen(None, levels_seen(np.ones(50), np.arange(50) < 25))


@pytest.mark.parametrize("kind", ["normal", "two detectors", "ties", "heavy tails"])
def test_like_frames_lie_outside_no_oftener_than_bound(kind: str) -> None:
    """The bound holds for each class in all but a few of a thousand calibrations, whatever the distribution."""
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
        found = levels_seen(draw(400), np.arange(400) < 100)
        fresh = draw(2000)
        broken += np.mean([unseen(level, found) for level in fresh]) > found.outside + 0.005
    assert broken <= 3


@given(st.integers(50, 800), st.floats(0.001, 0.2), st.floats(1e-9, 0.01))
@settings(max_examples=80, deadline=None)
def test_the_limit_is_the_binomial_distributions(frames: int, share: float, error: float) -> None:
    limit = most_outside(frames, share, error)
    assert binom.sf(limit, frames, share) <= error * (1 + 1e-6)
    assert limit <= max(frames * share, 1) or binom.sf(limit - 1, frames, share) > error * (1 - 1e-6)


def two_classes(generator: np.random.Generator, number: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    hit = generator.random(number) < share
    return np.where(hit, generator.beta(8, 2, number), generator.beta(1, 8, number)), hit


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9, 1.0])
def test_the_hit_rate_is_no_distance(share: float) -> None:
    generator = np.random.default_rng(6)
    known = mixtures(spread_of(*two_classes(generator, 20_000, 0.5), 1.0), 10_000, 10_000)
    assert distance(two_classes(generator, 5000, share)[0], known) < 0.03


def test_what_is_neither_hit_nor_miss_is_far_from_all_mixtures() -> None:
    generator = np.random.default_rng(7)
    known = mixtures(spread_of(*two_classes(generator, 20_000, 0.5), 1.0), 10_000, 10_000)
    assert distance(np.full(500, 0.5), known) > 0.4
    assert distance(np.full(500, 1.0), known) > 0.7
    half = np.concatenate([np.full(250, 0.5), two_classes(generator, 250, 0.3)[0]])
    assert 0.15 < distance(half, known) < 0.3


def test_fewer_labelled_frames_allow_for_more() -> None:
    generator = np.random.default_rng(8)
    spread = spread_of(*two_classes(generator, 2000, 0.5), 1.0)
    away = [distance(np.full(500, 0.5), mixtures(spread, *counts)) for counts in ((1000, 1000), (300, 300))]
    assert away[0] > away[1]


def test_the_last_digit_of_a_common_score_does_not_matter() -> None:
    """Empty frames have one and the same score, on another machine off by a rounding."""
    values = np.concatenate([np.full(500, 0.037327), np.linspace(0.5, 1, 500)])
    known = mixtures(spread_of(values, np.arange(1000) >= 500, 1.0), 500, 500)
    for shifted in (0.037326, 0.037327, 0.037328):
        assert distance(np.full(400, shifted), known) < 0


def test_the_inequality_is_above_the_exact_distribution() -> None:
    """DKW with Massart's constant against scipy's exact law of the two-sided statistic."""
    for frames in (50, 500):
        for error in (1e-2, 1e-5):
            assert kstwo.sf(dkw(frames, error), frames) <= error
            assert kstwo.sf(0.97 * dkw(frames, error), frames) > error
