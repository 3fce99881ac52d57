"""The threshold where hits come in groups whose members resemble one another: scans, crystals, runs.

What is bounded is the mean over groups of the share of a group's hits that is lost, a number from 0 to 1 for each
group, by the p-value of Hoeffding and Bentkus (Bates et al. 2021, section 3.1.1). Groups are what is independent, so
their number counts, however many frames they hold: 299 groups for 1 % with 95 % confidence. No way that assumes nothing
of how groups differ does with fewer: a hundredth of all groups might lose every hit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fedbragg.screening.guarantee.risk import binomial_tail

ROUNDING = 1e-12


def group_p_value(mean_loss: float, groups: int, max_loss: float) -> float:
    """Return a p-value of the hypothesis that the groups' expected loss is above ``max_loss``."""
    seen = min(mean_loss, max_loss)
    apart = seen * math.log(seen / max_loss) if seen > 0 else 0.0
    apart += (1 - seen) * math.log((1 - seen) / (1 - max_loss))
    hoeffding = math.exp(-groups * apart)
    bentkus = math.e * binomial_tail(math.ceil(groups * mean_loss - ROUNDING), groups, max_loss)
    return min(hoeffding, bentkus, 1.0)


def allowed_group_loss(groups: int, max_loss: float, confidence: float) -> float:
    """Return the largest mean loss over the calibration's groups that shows the promise; -1 where none does."""
    if group_p_value(0.0, groups, max_loss) > 1 - confidence:
        return -1.0
    low, high = 0.0, max_loss
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if group_p_value(middle, groups, max_loss) <= 1 - confidence else (low, middle)
        )
    return low


def allowed_group_loss_on_average(groups: int, max_loss: float) -> float:
    """Return the same for conformal risk control, which bounds the expectation only; negative where none does."""
    return (max_loss * (groups + 1) - 1) / groups + ROUNDING


def group_threshold(scores: NDArray[np.float64], groups: NDArray[np.intp], allowed: float) -> float:
    """Return the highest threshold below which the groups lose at most ``allowed`` of their hits in the mean.

    ``scores`` and ``groups``: (hits,); groups are numbered from 0 and each has a hit.
    """
    sizes = np.bincount(groups)
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    lost_up_to = np.cumsum(1 / (len(sizes) * sizes[groups[order]]))
    values, first = np.unique(ranked, return_index=True)
    lost_below = np.where(first > 0, lost_up_to[first - 1], 0.0)  # what a threshold at each value loses
    return float(values[np.flatnonzero(lost_below <= allowed + ROUNDING)[-1]])
