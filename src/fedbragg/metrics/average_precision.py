"""Average precision: how far ahead of the others the positives rank."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.estimate import UNKNOWN, Estimate, Z


def average_precision(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> Estimate:
    """Return the mean precision at each positive, in falling order of score, with its 95 % interval.

    NaN without positives. Examples of equal score enter together, as in scikit-learn. The interval is the logistic
    one of Boyd, Eng and Page (ECML 2013, section 4.2): logit(AP) +- z / sqrt(positives AP (1 - AP)).
    """
    positives = int(positive.sum())
    if positives == 0:
        return UNKNOWN
    order = np.argsort(-score, kind="stable")
    found = np.cumsum(positive[order])
    last_of_a_tie = np.append(np.diff(score[order]) != 0, True)
    precision = found[last_of_a_tie] / (np.flatnonzero(last_of_a_tie) + 1)
    gained = np.diff(np.append(0, found[last_of_a_tie]))
    value = float((precision * gained).sum() / positives)
    return Estimate(value, *_logistic_interval(value, positives))


def _logistic_interval(value: float, positives: int) -> tuple[float, float]:
    inside = min(
        max(value, 0.5 / (positives + 1)), 1 - 0.5 / (positives + 1)
    )  # at 0 and 1 the logit is infinite
    centre, half = math.log(inside / (1 - inside)), Z / math.sqrt(positives * inside * (1 - inside))
    low, high = (1 / (1 + math.exp(-(centre + sign * half))) for sign in (-1, 1))
    return min(low, value), max(high, value)
