"""The guarantee: against scipy's distributions, by hand, and on a thousand calibration sets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from fedbragg.screening.guarantee.risk import (
    allowed_losses,
    allowed_on_average,
    hits_needed,
    needed_on_average,
    threshold_at,
)

SETS = 1000
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


@pytest.mark.parametrize(
    ("max_loss", "confidence", "needed"),
    [(0.01, 0.95, 299), (0.05, 0.95, 59), (0.1, 0.95, 29), (0.01, 0.99, 459), (0.001, 0.95, 2995)],
)
def test_the_number_of_hits_needed_is_the_published_one(
    max_loss: float, confidence: float, needed: int
) -> None:
    """Success-run sample sizes, as tables of reliability testing print them."""
    assert hits_needed(max_loss, confidence) == needed
    assert allowed_losses(needed, max_loss, confidence) == 0
    assert allowed_losses(needed - 1, max_loss, confidence) == -1


@given(st.integers(1, 20_000), st.sampled_from([0.001, 0.01, 0.05, 0.2]), st.sampled_from([0.9, 0.95, 0.99]))
@settings(max_examples=100, deadline=None)
def test_the_allowed_losses_are_the_most_that_pass_the_binomial_test(
    hits: int, max_loss: float, confidence: float
) -> None:
    allowed = allowed_losses(hits, max_loss, confidence)
    assert allowed < 0 or binom.cdf(allowed, hits, max_loss) <= 1 - confidence + 1e-12
    assert binom.cdf(allowed + 1, hits, max_loss) > 1 - confidence - 1e-12


def test_on_average_99_hits_are_needed_for_one_percent() -> None:
    """1 / (n + 1) <= 1 % from 99 on, exactly."""
    assert needed_on_average(0.01) == 99
    assert [allowed_on_average(hits, 0.01) for hits in (98, 99, 198, 199)] == [-1, 0, 0, 1]
    assert [allowed_on_average(hits, 0.29) for hits in (98, 99)] == [27, 28]  # 0.29 * 100 is 29, not 28.99


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]) | st.floats(0, 1), min_size=1, max_size=60), st.data()
)
@settings(max_examples=200, deadline=None)
def test_the_threshold_is_the_highest_that_loses_no_more(scores: list[float], data: st.DataObject) -> None:
    losses = data.draw(st.integers(0, len(scores) - 1))
    values = np.array(scores)
    threshold = threshold_at(values, losses)
    assert np.sum(values < threshold) <= losses
    higher = values[values > threshold]
    assert not higher.size or np.sum(values < higher.min()) > losses


def continuous(generator: np.random.Generator, number: int) -> NDArray[np.float64]:
    return generator.random(number)


def tied(generator: np.random.Generator, number: int) -> NDArray[np.float64]:
    """Six in ten saturate at 1, a few in a thousand at 0, the others on a coarse grid."""
    grid = np.array([0.0, 0.02, 0.04, 0.1, 0.3, 0.6, 1.0])
    return generator.choice(grid, number, p=[0.004, 0.004, 0.004, 0.018, 0.12, 0.25, 0.6])


def loss_of(draw: Draw, threshold: float) -> float:
    """The true share of hits below a threshold."""
    if draw is continuous:
        return threshold
    return float(np.sum([0.004, 0.004, 0.004, 0.018, 0.12, 0.25, 0.6], where=threshold > SCALE))


SCALE = np.array([0.0, 0.02, 0.04, 0.1, 0.3, 0.6, 1.0])


@pytest.mark.parametrize("draw", [continuous, tied])
@pytest.mark.parametrize(("hits", "max_loss"), [(299, 0.01), (700, 0.01), (120, 0.05), (2000, 0.02)])
def test_the_guarantee_holds_in_the_stated_share_of_calibration_sets(
    draw: Draw, hits: int, max_loss: float
) -> None:
    generator = np.random.default_rng([hits, int(1000 * max_loss)])
    allowed = allowed_losses(hits, max_loss, 0.95)
    losses = np.array([loss_of(draw, threshold_at(draw(generator, hits), allowed)) for _ in range(SETS)])
    broken = int(np.sum(losses > max_loss + 1e-12))
    assert broken <= binom.ppf(0.9995, SETS, 0.05)
    if draw is continuous:  # and the exact test is not conservative
        assert broken >= binom.ppf(0.0005, SETS, binom.cdf(allowed, hits, max_loss))


def test_the_calibration_quantile_alone_would_break_the_guarantee() -> None:
    """A threshold at which the calibration set itself loses 1 % breaks the guarantee half the time."""
    generator = np.random.default_rng(1)
    broken = sum(threshold_at(generator.random(1000), 10) > 0.01 for _ in range(SETS))
    assert broken > 400


@pytest.mark.parametrize("draw", [continuous, tied])
def test_the_mean_loss_is_bounded(draw: Draw) -> None:
    generator = np.random.default_rng(7)
    allowed = allowed_on_average(250, 0.01)
    losses = [loss_of(draw, threshold_at(draw(generator, 250), allowed)) for _ in range(SETS)]
    assert np.mean(losses) <= 0.01 + 4 * np.std(losses) / SETS**0.5
    if draw is continuous:
        assert np.mean(losses) == pytest.approx(
            2 / 251, rel=0.15
        )  # the mean of the 2nd of 250 uniform numbers
