"""The deviance against the exact Poisson tail."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, poisson

from fedbragg.tasks.hits.prepare.peaks import deviance

LEVELS = (0.02, 0.05, 0.18, 0.5, 1.0, 3.0, 10.0, 100.0, 1000.0, 10_000.0)


def exact(photons: int, expected: float) -> float:
    """Standard deviations of a Gaussian with the same tail probability, half of the point itself included (mid-p)."""
    above = (poisson.sf(photons, expected) + poisson.sf(photons - 1, expected)) / 2
    return float(norm.isf(above))


@pytest.mark.parametrize("expected", LEVELS)
def test_the_deviance_is_the_exact_tail_from_2_to_8_sigma(expected: float) -> None:
    start = math.ceil(expected)
    photons = np.unique(np.geomspace(start + 1, start + 8 + 9 * math.sqrt(expected) + 4, 60).astype(int))
    checked = 0
    for number in photons:
        sigma = exact(int(number), expected)
        if 2 <= sigma <= 8:
            assert deviance(float(number), expected) == pytest.approx(sigma, abs=0.1)
            checked += 1
    assert checked >= 3


def test_the_plain_root_fails_at_few_photons() -> None:
    """Two photons where 0.02 are expected: (n - m) / sqrt(m) is 14 sigma, the exact tail is 3.7."""
    assert (2 - 0.02) / math.sqrt(0.02) == pytest.approx(14.0, abs=0.01)
    assert exact(2, 0.02) == pytest.approx(3.72, abs=0.01)
    assert deviance(2.0, 0.02) == pytest.approx(3.80, abs=0.01)


def test_values_equal_a_hand_calculation() -> None:
    # sqrt(2 (38 ln(38 / 18) - 20)) and sqrt(2 * 3)
    assert deviance(38.0, 18.0) == pytest.approx(4.0973, abs=1e-4)
    assert deviance(0.0, 3.0) == pytest.approx(-math.sqrt(6))
    assert deviance(7.5, 7.5) == 0.0


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e6), st.floats(0.02, 1e5))
def test_more_photons_never_lower_the_significance(one: float, other: float, expected: float) -> None:
    fewer, more = sorted((one, other))
    assert deviance(fewer, expected) <= deviance(more, expected) + 1e-4  # float64's own noise
