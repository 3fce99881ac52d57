"""Binomial tails, limits and quantiles, against scipy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from fedbragg.metrics.binomial import binomial_cdf, upper_limit, upper_quantile


@given(st.integers(1, 3000), st.floats(1e-4, 0.999), st.data())
@settings(max_examples=100, deadline=None)
def test_the_distribution_function_is_scipys(trials: int, share: float, data: st.DataObject) -> None:
    successes = data.draw(st.integers(-1, trials))
    expected = binom.cdf(successes, trials, share)
    assert binomial_cdf(successes, trials, share) == pytest.approx(expected, abs=1e-11)


@given(st.integers(1, 5000), st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_the_limit_is_clopper_and_pearsons(trials: int, successes: int) -> None:
    expected = 1.0 if successes >= trials else beta.ppf(0.95, successes + 1, trials - successes)
    assert upper_limit(successes, trials, 0.95) == pytest.approx(expected, abs=1e-9)


@given(st.integers(50, 800), st.floats(0.001, 0.2), st.floats(1e-9, 0.01))
@settings(max_examples=80, deadline=None)
def test_the_quantile_is_the_smallest_whose_tail_is_small_enough(
    trials: int, share: float, error: float
) -> None:
    quantile = upper_quantile(trials, share, error)
    assert binom.sf(quantile, trials, share) <= error * (1 + 1e-6)
    assert quantile <= trials * share or binom.sf(quantile - 1, trials, share) > error * (1 - 1e-6)
