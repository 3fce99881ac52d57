"""The threshold that loses few hits with a stated confidence, where hits are independent.

This is Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei 2021) with exact binomial p-values. Thresholds are
tested upwards from the lowest, which keeps everything, until the test fails to show that the loss is at most
``max_loss``. The loss rises with the threshold, so this fixed sequence ends at an order statistic: with k the largest
number that satisfies P(Bin(n, max_loss) <= k) <= 1 - confidence for n hits, the threshold is the (k + 1)th lowest score
of a hit. Frames at the threshold are kept, so ties only lower the true loss.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.binomial import binomial_cdf


def allowed_losses(hits: int, max_loss: float, confidence: float) -> int:
    """Return how many calibration hits may lie below the threshold; -1 where the hits are too few."""
    low, high = -1, hits  # the p-value at ``low`` is small enough, at ``high`` it is 1
    while high - low > 1:
        middle = (low + high) // 2
        passed = binomial_cdf(middle, hits, max_loss) <= 1 - confidence
        low, high = (middle, high) if passed else (low, middle)
    return low


def allowed_on_average(hits: int, max_loss: float) -> int:
    """Return how many calibration hits may lie below the threshold where only the mean loss is bounded; -1 for none.

    Conformal risk control (Angelopoulos, Bates, Fisch, Lei and Schuster 2022, eq. 4) with loss 0 or 1:
    (losses + 1) / (hits + 1) <= max_loss.
    """
    return math.floor(Fraction(str(max_loss)) * (hits + 1)) - 1


def hits_needed(max_loss: float, confidence: float) -> int:
    """Return the smallest number of hits n for which a threshold exists: (1 - max_loss)^n <= 1 - confidence."""
    needed = max(1, math.ceil(math.log(1 - confidence) / math.log1p(-max_loss)) - 1)
    while allowed_losses(needed, max_loss, confidence) < 0:
        needed += 1
    return needed


def needed_on_average(max_loss: float) -> int:
    """Return the smallest number of hits n for a bound of the mean loss: 1 / (n + 1) <= max_loss."""
    return math.ceil(1 / Fraction(str(max_loss))) - 1


def threshold_at(scores: NDArray[np.float64], losses: int) -> float:
    """Return the highest threshold below which at most ``losses`` of the scores (hits,) lie."""
    return float(np.partition(scores, losses)[losses])
