"""The interval of a mean over repeats, against Student's own table."""

from __future__ import annotations

from math import isnan, nan

import pytest

from fedbragg.metrics.repeats import mean_of_repeats


def test_five_repeats_have_the_interval_of_students_table() -> None:
    # mean 3, deviation sqrt(2.5), t(0.975, 4 degrees of freedom) = 2.776
    found = mean_of_repeats([1, 2, 3, 4, 5])
    half = 2.776 * 2.5**0.5 / 5**0.5
    assert (found.value, found.low, found.high) == pytest.approx((3, 3 - half, 3 + half), abs=1e-3)


def test_a_single_repeat_has_no_interval_and_unknown_ones_are_left_out() -> None:
    found = mean_of_repeats([0.5, nan])
    assert found.value == 0.5
    assert isnan(found.low) and isnan(found.high)
    assert isnan(mean_of_repeats([nan]).value)
