"""How good a classifier is, each figure with its 95 % interval.

Every interval is a score interval, so that 20 right out of 20 does not claim certainty: Wilson (1927) for proportions;
for F1, a monotone function of TP / (TP + FP + FN), Wilson's of that; for balanced accuracy, both classes' Wilson limits
by square-and-add (Newcombe 1998); for AUC, Newcombe's method 5 (Statistics in Medicine 25, 559, 2006), which takes
Hanley and McNeil's variance at the limit itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z = 1.959964  # standard normal quantile of a two-sided 95 % interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; NaN where there is nothing to judge by."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Show as 0.912 [0.880, 0.941]."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of right and wrong."""

    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int


def confusion(positive: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Confusion:
    """Count right and wrong of boolean arrays (frames,)."""
    return Confusion(
        int(np.sum(positive & predicted)),
        int(np.sum(positive & ~predicted)),
        int(np.sum(~positive & predicted)),
        int(np.sum(~positive & ~predicted)),
    )


def summary(positive: NDArray[np.bool_], score: NDArray[np.float64], threshold: float) -> dict[str, Estimate]:
    """Return every figure for frames with scores (frames,), kept from ``threshold`` on."""
    c = confusion(positive, score >= threshold)
    right, wrong = c.true_positive + c.true_negative, c.false_positive + c.false_negative
    recall = proportion(c.true_positive, c.true_positive + c.false_negative)
    specificity = proportion(c.true_negative, c.true_negative + c.false_positive)
    return {
        "accuracy": proportion(right, right + wrong),
        "balanced accuracy": _mean_of_two(recall, specificity),
        "precision": proportion(c.true_positive, c.true_positive + c.false_positive),
        "recall": recall,
        "F1": _f1(c),
        "AUC": area_under_curve(positive, score),
    }


def proportion(right: int, total: int) -> Estimate:
    """Return a proportion with Wilson's interval."""
    if total == 0:
        return Estimate(math.nan, math.nan, math.nan)
    share = right / total
    centre = (share + Z**2 / (2 * total)) / (1 + Z**2 / total)
    half = Z / (1 + Z**2 / total) * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2))
    return Estimate(share, max(centre - half, 0.0), min(centre + half, 1.0))


def area_under_curve(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> Estimate:
    """Return the chance that a positive scores above a negative, ties counting half."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if positives == 0 or negatives == 0:
        return Estimate(math.nan, math.nan, math.nan)
    area = (mean_ranks(score)[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives)

    def distance(theta: float) -> float:
        return float(abs(area - theta)) - Z * math.sqrt(_auc_variance(theta, positives, negatives))

    return Estimate(float(area), _root(distance, 0.0, area), _root(distance, 1.0, area))


def mean_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of values (number,), from 1; ties share their mean."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[where], np.float64)


def _auc_variance(theta: float, positives: int, negatives: int) -> float:
    more = (positives + negatives) / 2 - 1
    spread = 1 + more * (1 - theta) / (2 - theta) + more * theta / (1 + theta)
    return float(theta * (1 - theta) * spread / (positives * negatives))


def _root(distance: Callable[[float], float], outer: float, inner: float) -> float:
    """Bisect for the limit between ``outer``, where the distance is not negative, and the estimate itself."""
    if distance(outer) <= 0:
        return outer
    for _ in range(60):
        middle = (outer + inner) / 2
        outer, inner = (middle, inner) if distance(middle) > 0 else (outer, middle)
    return float(inner)


def _mean_of_two(a: Estimate, b: Estimate) -> Estimate:
    value = (a.value + b.value) / 2
    below = math.hypot(a.value - a.low, b.value - b.low) / 2
    above = math.hypot(a.high - a.value, b.high - b.value) / 2
    return Estimate(value, value - below, value + above)


def _f1(c: Confusion) -> Estimate:
    overlap = proportion(c.true_positive, c.true_positive + c.false_positive + c.false_negative)
    value, low, high = (2 * j / (1 + j) for j in (overlap.value, overlap.low, overlap.high))
    return Estimate(value, low, high)
