"""Random numbers inside compiled loops: SplitMix64, and Poisson and normal deviates from it.

numpy's own Poisson sampler costs more than everything else in a frame; see docs/decisions/0020-own-poisson.md.
A state is a uint64 array of one element, filled from a numpy SeedSequence.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 2.0**-53
_FEW = 12.0  # photons; below, adding up the probabilities is faster than rejection
_RECIPROCAL = np.array([0.0] + [1.0 / k for k in range(1, 256)])


def state_of(generator: np.random.Generator) -> NDArray[np.uint64]:
    """Draw the state of a stream of its own."""
    return generator.integers(0, 2**64, size=1, dtype=np.uint64)


@njit(inline="always")
def uniform(state):  # type: ignore[no-untyped-def]
    """Return the next number in (0, 1) (Steele, Lea and Flood 2014)."""
    state[0] += _STEP
    z = state[0]
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    z = z ^ (z >> _S31)
    return (float(z >> _S11) + 0.5) * _TO_UNIT


@njit(inline="always")
def poisson_few(mean, state):  # type: ignore[no-untyped-def]
    """Return a Poisson deviate of a small mean by inversion of the distribution."""
    u = uniform(state)
    probability = math.exp(-mean)
    k = 0
    while u > probability and k < 255:
        u -= probability
        k += 1
        probability *= mean * _RECIPROCAL[k]
    return k


@njit(nogil=True, cache=True)
def poisson_many(mean, state):  # type: ignore[no-untyped-def]
    """Return a Poisson deviate of a mean of 10 or more by transformed rejection (Hoermann 1993, PTRS)."""
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    v_r = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = uniform(state) - 0.5
        v = uniform(state)
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= v_r:
            return int(k)
        if k < 0 or (us < 0.013 and v > us):
            continue
        accept = math.log(v * (1.1239 + 1.1328 / (b - 3.4)) / (a / (us * us) + b))
        if accept <= -mean + k * math.log(mean) - math.lgamma(k + 1):
            return int(k)


@njit(inline="always")
def poisson(mean, state):  # type: ignore[no-untyped-def]
    """Return a Poisson deviate; a mean of 0 or less gives 0."""
    if mean < _FEW:
        return poisson_few(mean, state)
    return poisson_many(mean, state)


@njit(inline="always")
def normal(state):  # type: ignore[no-untyped-def]
    """Return a standard normal deviate (Box and Muller 1958)."""
    return math.sqrt(-2.0 * math.log(uniform(state))) * math.cos(2.0 * math.pi * uniform(state))
