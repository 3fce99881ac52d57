"""Proportions and their intervals, against published examples."""

from __future__ import annotations

import math

import pytest

from fedbragg.metrics.estimate import UNKNOWN, Estimate
from fedbragg.metrics.proportions import f1_score, mean_of_two, proportion


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_limits_are_the_published_ones(right: int, total: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17, 857 (1998), table I, method 3."""
    estimate = proportion(right, total)
    assert (estimate.low, estimate.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_all_right_is_not_certain() -> None:
    assert proportion(20, 20).low == pytest.approx(1 - 0.1611, abs=6e-5)


def test_the_mean_of_two_by_square_and_add() -> None:
    """Newcombe, Statistics in Medicine 17, 873 (1998), table II, method 10, on the difference 56/70 - 48/80."""
    second = proportion(48, 80)
    half = mean_of_two(proportion(56, 70), Estimate(-second.value, -second.high, -second.low))
    assert [2 * half.value, 2 * half.low, 2 * half.high] == pytest.approx([0.2, 0.0524, 0.3339], abs=6e-5)


def test_f1_is_bounded_by_the_interval_of_the_jaccard_index() -> None:
    jaccard, f1 = proportion(8, 10), f1_score(8, 1, 1)
    assert f1.value == pytest.approx(16 / 18)
    assert (f1.low, f1.high) == (2 * jaccard.low / (1 + jaccard.low), 2 * jaccard.high / (1 + jaccard.high))


def test_no_data_give_no_figure() -> None:
    assert proportion(0, 0) == UNKNOWN
    assert math.isnan(mean_of_two(proportion(1, 2), UNKNOWN).value)


def test_an_estimate_reads_well() -> None:
    assert str(Estimate(0.9123, 0.88, 0.9412)) == "0.912 [0.880, 0.941]"
