"""The guarantee where hits come in groups: it breaks when groups are ignored, and holds when they are counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, norm

from fedbragg.screening.guarantee.grouped_risk import (
    allowed_group_loss,
    allowed_group_loss_on_average,
    group_p_value,
    group_threshold,
)
from fedbragg.screening.guarantee.risk import allowed_losses, hits_needed, threshold_at

SETS = 1000


def test_without_losses_as_many_groups_are_needed_as_hits() -> None:
    assert group_p_value(0.0, 299, 0.01) == pytest.approx(0.99**299)
    assert allowed_group_loss(299, 0.01, 0.95) >= 0
    assert allowed_group_loss(298, 0.01, 0.95) == -1
    assert allowed_group_loss_on_average(99, 0.01) == pytest.approx(0, abs=1e-9)
    assert allowed_group_loss_on_average(98, 0.01) < 0


@given(st.integers(20, 3000), st.sampled_from([0.01, 0.05, 0.2]))
@settings(max_examples=50, deadline=None)
def test_the_allowed_loss_is_the_most_that_passes(groups: int, max_loss: float) -> None:
    allowed = allowed_group_loss(groups, max_loss, 0.95)
    if allowed < 0:
        assert groups < hits_needed(max_loss, 0.95)
    else:
        assert group_p_value(allowed, groups, max_loss) <= 0.05 + 1e-9
        assert group_p_value(allowed + 1e-6, groups, max_loss) > 0.0499


@given(st.integers(0, 2**32), st.integers(1, 60), st.floats(0, 0.9))
@settings(max_examples=200, deadline=None)
def test_the_threshold_is_the_highest_that_loses_no_more(seed: int, hits: int, allowed: float) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.random(hits).round(1)
    _, groups = np.unique(generator.integers(0, 8, hits), return_inverse=True)

    def mean_loss(threshold: float) -> float:
        return float(np.mean([np.mean(scores[groups == g] < threshold) for g in range(groups.max() + 1)]))

    threshold = group_threshold(scores, groups, allowed)
    assert mean_loss(threshold) <= allowed + 1e-9
    higher = scores[scores > threshold]
    assert not higher.size or mean_loss(higher.min()) > allowed - 1e-9


def scans(generator: np.random.Generator, number: int, size: int) -> NDArray[np.float64]:
    """Scores (scans, frames) of near-copies: nine tenths of the variance is the scan's."""
    level = generator.normal(0, 0.9**0.5, (number, 1))
    return level + generator.normal(0, 0.1**0.5, (number, size))


def broken_guarantees(max_loss: float, *, grouped: bool) -> int:
    """Calibrate on 60 scans of 20 near-copies each; count the sets of which new scans lose too much."""
    generator = np.random.default_rng(5)
    number, size, broken = 60, 20, 0
    groups = np.repeat(np.arange(number), size)
    for _ in range(SETS):
        scores = scans(generator, number, size).ravel()
        if grouped:
            threshold = group_threshold(scores, groups, allowed_group_loss(number, max_loss, 0.95))
        else:
            threshold = threshold_at(scores, allowed_losses(number * size, max_loss, 0.95))
        broken += norm.cdf(threshold) > max_loss
    return broken


def test_near_copies_counted_as_independent_break_the_guarantee() -> None:
    assert broken_guarantees(0.05, grouped=False) > 0.2 * SETS


def test_counted_by_scan_the_guarantee_holds() -> None:
    assert broken_guarantees(0.05, grouped=True) <= binom.ppf(0.9995, SETS, 0.05)


def test_frames_drawn_at_random_from_the_run_keep_the_guarantee_however_alike_they_are() -> None:
    """The remedy in the warning: 1,200 frames drawn at random from 20,000 of 1,000 scans."""
    generator, broken = np.random.default_rng(6), 0
    for _ in range(300):
        screened = scans(generator, 1000, 20).ravel()
        labelled = generator.choice(screened, 1200, replace=False)
        threshold = threshold_at(labelled, allowed_losses(1200, 0.05, 0.95))
        broken += np.mean(screened < threshold) > 0.05
    assert broken <= binom.ppf(0.9995, 300, 0.05)
