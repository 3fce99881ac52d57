"""Proportions and functions of proportions, with score intervals.

A score interval does not claim certainty when 20 of 20 are right, as the interval from the standard error does.
"""

from __future__ import annotations

import math

from fedbragg.metrics.estimate import UNKNOWN, Estimate, Z


def proportion(successes: int, total: int) -> Estimate:
    """Return a proportion with Wilson's interval (1927)."""
    if total == 0:
        return UNKNOWN
    share = successes / total
    centre = (share + Z**2 / (2 * total)) / (1 + Z**2 / total)
    half = Z / (1 + Z**2 / total) * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2))
    return Estimate(share, max(centre - half, 0.0), min(centre + half, 1.0))


def mean_of_two(a: Estimate, b: Estimate) -> Estimate:
    """Return the mean of two independent proportions; the interval is Newcombe's square-and-add (1998)."""
    value = (a.value + b.value) / 2
    below = math.hypot(a.value - a.low, b.value - b.low) / 2
    above = math.hypot(a.high - a.value, b.high - b.value) / 2
    return Estimate(value, value - below, value + above)


def f1_score(true_positive: int, false_positive: int, false_negative: int) -> Estimate:
    """Return F1, a monotone function of the Jaccard index; the interval is that of the index, transformed."""
    jaccard = proportion(true_positive, true_positive + false_positive + false_negative)
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return Estimate(value, low, high)
