"""Random numbers for compiled loops: one SplitMix64 number a pixel gives one Poisson or normal deviate.

docs/decisions/0020-own-poisson.md says why numpy's sampler is not used.
A loop keeps its position in the stream in a local variable, adds ``STEP`` and calls ``uniform(position)``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 2.0**-53
_SMALL_MEAN = 8.0  # expected photons; below this, summing the probabilities is as fast, and exact
_RECIPROCAL = np.array([0.0] + [1.0 / k for k in range(1, 128)])


def random_stream(generator: np.random.Generator) -> np.uint64:
    """Draw the start of a new stream."""
    return np.uint64(generator.integers(0, 2**64, dtype=np.uint64))


@njit(inline="always")
def uniform(position):  # type: ignore[no-untyped-def]
    """Return the number in (0, 1) at a position of a stream (Steele, Lea and Flood 2014)."""
    z = (position ^ (position >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    z = z ^ (z >> _S31)
    return (float(z >> _S11) + 0.5) * _TO_UNIT


@njit(nogil=True, cache=True)
def normal(u):  # type: ignore[no-untyped-def]
    """Return the standard normal quantile of u in (0, 1), to 1.2e-9 relative (Acklam's rational approximation)."""
    q = u - 0.5
    if abs(q) <= 0.47575:
        r = q * q
        numerator = (-3.969683028665376e1 * r + 2.209460984245205e2) * r - 2.759285104469687e2
        numerator = ((numerator * r + 1.383577518672690e2) * r - 3.066479806614716e1) * r + 2.506628277459239
        denominator = (-5.447609879822406e1 * r + 1.615858368580409e2) * r - 1.556989798598866e2
        denominator = ((denominator * r + 6.680131188771972e1) * r - 1.328068155288572e1) * r + 1.0
        return q * numerator / denominator
    r = math.sqrt(-2.0 * math.log(min(u, 1.0 - u)))
    numerator = (-7.784894002430293e-3 * r - 3.223964580411365e-1) * r - 2.400758277161838
    numerator = ((numerator * r - 2.549732539343734) * r + 4.374664141464968) * r + 2.938163982698783
    denominator = ((7.784695709041462e-3 * r + 3.224671290700398e-1) * r + 2.445134137142996) * r
    denominator = (denominator + 3.754408661907416) * r + 1.0
    return numerator / denominator if q < 0 else -numerator / denominator


@njit(nogil=True, cache=True)
def poisson_large_mean(mean, u):  # type: ignore[no-untyped-def]
    """Return the Poisson quantile of u for a mean of 8 or more (Giles 2016, ACM TOMS 42, 7: Temme's expansion).

    One in some 2,000 deviates differs from the exact quantile, by 1.
    """
    w = normal(u)
    root = math.sqrt(mean)
    square = w * w
    value = mean + root * w + (1.0 / 3.0 + square / 6.0) - w * (1.0 / 36.0 + square / 72.0) / root
    value += (-8.0 / 405.0 + square * (7.0 / 810.0 + square / 270.0)) / mean
    return max(math.floor(value), 0)


@njit(inline="always")
def poisson(mean, u):  # type: ignore[no-untyped-def]
    """Return the Poisson quantile of u in (0, 1); a mean of 0 or less gives 0."""
    if u <= 1.0 - mean:  # exp(-mean) is larger than 1 - mean, so there is no photon; saves the exponential
        return 0
    if mean >= _SMALL_MEAN:
        return poisson_large_mean(mean, u)
    probability = math.exp(-mean)
    k = 0
    while u > probability and k < 127:
        u -= probability
        k += 1
        probability *= mean * _RECIPROCAL[k]
    return k
