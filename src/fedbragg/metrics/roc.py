"""The area under the receiver operating characteristic curve (AUC), with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.estimate import UNKNOWN, Estimate, Z
from fedbragg.metrics.ranks import mean_ranks


def area_under_curve(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> Estimate:
    """Return the probability that a positive scores above a negative, ties counting half; both arrays are (frames,).

    The interval is method 5 of Newcombe (Statistics in Medicine 25, 559, 2006): Hanley and McNeil's variance, taken
    at the limit itself.
    """
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if positives == 0 or negatives == 0:
        return UNKNOWN
    area = (mean_ranks(score)[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives)

    def excess(limit: float) -> float:
        return float(abs(area - limit)) - Z * math.sqrt(_variance(limit, positives, negatives))

    return Estimate(float(area), _root(excess, 0.0, area), _root(excess, 1.0, area))


def _variance(area: float, positives: int, negatives: int) -> float:
    """Return Hanley and McNeil's variance of an AUC, with the mean of the two class sizes for each of them."""
    pairs = (positives + negatives) / 2 - 1
    spread = 1 + pairs * (1 - area) / (2 - area) + pairs * area / (1 + area)
    return float(area * (1 - area) * spread / (positives * negatives))


def _root(excess: Callable[[float], float], outer: float, inner: float) -> float:
    """Return the limit by bisection: ``excess`` is positive at ``outer`` and negative at ``inner``."""
    if excess(outer) <= 0:
        return outer
    for _ in range(60):
        middle = (outer + inner) / 2
        outer, inner = (middle, inner) if excess(middle) > 0 else (outer, middle)
    return float(inner)
