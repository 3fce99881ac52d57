"""The threshold where hits come in groups of similar frames: scans, crystals, runs.

The bounded loss is the mean over groups of the share of a group's hits that is lost, a number from 0 to 1 for each
group. The p-value is that of Hoeffding and Bentkus (Bates et al. 2021, section 3.1.1). Groups are the independent
units, so their number counts, however many frames they hold: 299 groups for 1 % with 95 %. Without an assumption about
how groups differ, no method needs fewer, because one group in a hundred might lose all its hits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.binomial import binomial_cdf

ROUNDING = 1e-12


def group_p_value(mean_loss: float, groups: int, max_loss: float) -> float:
    """Return the p-value of the hypothesis that the expected loss of a group exceeds ``max_loss``."""
    observed = min(mean_loss, max_loss)
    divergence = observed * math.log(observed / max_loss) if observed > 0 else 0.0
    divergence += (1 - observed) * math.log((1 - observed) / (1 - max_loss))
    hoeffding = math.exp(-groups * divergence)
    bentkus = math.e * binomial_cdf(math.ceil(groups * mean_loss - ROUNDING), groups, max_loss)
    return min(hoeffding, bentkus, 1.0)


def allowed_group_loss(groups: int, max_loss: float, confidence: float) -> float:
    """Return the largest mean loss over the calibration's groups that passes the test; -1 where none passes."""
    if group_p_value(0.0, groups, max_loss) > 1 - confidence:
        return -1.0
    low, high = 0.0, max_loss
    for _ in range(50):
        middle = (low + high) / 2
        passed = group_p_value(middle, groups, max_loss) <= 1 - confidence
        low, high = (middle, high) if passed else (low, middle)
    return low


def allowed_group_loss_on_average(groups: int, max_loss: float) -> float:
    """Return the same for conformal risk control, which bounds the mean only; negative where none passes."""
    return (max_loss * (groups + 1) - 1) / groups + ROUNDING


def group_threshold(scores: NDArray[np.float64], groups: NDArray[np.intp], allowed: float) -> float:
    """Return the highest threshold at which the mean over groups of the lost share is at most ``allowed``.

    ``scores`` and ``groups``: (hits,). Groups are numbered from 0 and each has a hit.
    """
    sizes = np.bincount(groups)
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    cumulative_loss = np.cumsum(1 / (len(sizes) * sizes[groups[order]]))
    values, first = np.unique(ranked, return_index=True)
    loss_below = np.where(first > 0, cumulative_loss[first - 1], 0.0)  # of a threshold at each value
    return float(values[np.flatnonzero(loss_below <= allowed + ROUNDING)[-1]])
