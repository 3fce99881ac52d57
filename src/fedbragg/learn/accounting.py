"""The cost of training with noise: the epsilon of differential privacy, and the noise that a budget needs.

Privacy loss distributions of dp-accounting (Koskela et al. 2020; Google's library), for two data sets of which one has
one run or crystal more. This module imports no framework, because clients and commands use it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any

from fedbragg.errors import ConfigError

LEAST_NOISE, MOST_NOISE = 0.4, 4096.0
"""Range of the noise multipliers to search."""
TOLERANCE = 5e-3
"""Relative precision of a noise multiplier; the larger value is taken."""
INTERVAL = 1e-3
"""Width of the bins of a privacy loss distribution; losses are rounded up, so wider bins never cost too little."""


@dataclass(frozen=True, slots=True)
class SampledNoise:
    """Steps that each release a noisy sum over randomly chosen runs or crystals."""

    rate: float  # probability that a step takes each of them (Poisson sampling)
    noise: float  # standard deviation of the noise, in units of the largest vector that one of them adds
    steps: int


def epsilon_of(spent: Sequence[SampledNoise], delta: float) -> float:
    """Return the epsilon of all these steps together, at ``delta``; it is infinite without noise."""
    added: dict[tuple[float, float], int] = {}
    for part in spent:
        added[part.rate, part.noise] = added.get((part.rate, part.noise), 0) + part.steps
    return _epsilon(tuple(sorted((*key, steps) for key, steps in added.items() if steps)), delta)


@cache
def noise_for(epsilon: float, delta: float, rate: float, steps: int) -> float:
    """Return the least noise with which these steps cost at most ``epsilon``, to half a hundredth.

    Raise ConfigError where even the most noise is not enough.
    """
    low, high = LEAST_NOISE, 1.0
    while _epsilon(((rate, high, steps),), delta) > epsilon:
        low, high = high, 2 * high
        if high > MOST_NOISE:
            raise ConfigError(
                f"[privacy]: epsilon {epsilon:g} at delta {delta:g} is out of reach in {steps} steps, for any "
                "noise. Allow more, or train less."
            )
    while high > low * (1 + TOLERANCE):
        middle = (low + high) / 2
        low, high = (low, middle) if _epsilon(((rate, middle, steps),), delta) <= epsilon else (middle, high)
    return high


@cache
def _epsilon(parts: tuple[tuple[float, float, int], ...], delta: float) -> float:
    if not parts:
        return 0.0
    if any(noise <= 0 for _, noise, _ in parts):
        return inf
    from dp_accounting import NeighboringRelation, dp_event
    from dp_accounting.pld import PLDAccountant

    accountant: Any = PLDAccountant(
        NeighboringRelation.ADD_OR_REMOVE_ONE, value_discretization_interval=INTERVAL
    )
    for rate, noise, steps in parts:
        step = dp_event.PoissonSampledDpEvent(rate, dp_event.GaussianDpEvent(noise))
        accountant.compose(step, steps)
    return float(accountant.get_epsilon(delta))
