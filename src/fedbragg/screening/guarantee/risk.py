"""The threshold that loses few hits with a stated confidence, where hits are independent of one another.

Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei 2021) with exact binomial p-values: thresholds are tested
from the lowest, which keeps everything, upwards, until one cannot be shown to lose at most the promised share. Losses
rise with the threshold, so this fixed sequence ends at an order statistic: if k losses among n hits are few enough,
P(Bin(n, max_loss) <= k) <= 1 - confidence, then the threshold is the (k + 1)th lowest score of a hit. Frames at the
threshold itself are kept, so ties only make the true loss smaller.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Guarantee = Literal["confident", "expected"]


def binomial_tail(losses: int, hits: int, share: float) -> float:
    """Return P(Bin(hits, share) <= losses), summed from its largest term down."""
    if losses >= hits or share <= 0:
        return 1.0
    if losses < 0 or share >= 1:
        return 0.0
    log_share, log_rest = math.log(share), math.log1p(-share)
    start = math.lgamma(hits + 1)
    terms = [
        start - math.lgamma(k + 1) - math.lgamma(hits - k + 1) + k * log_share + (hits - k) * log_rest
        for k in range(losses + 1)
    ]
    return min(math.fsum(math.exp(term) for term in terms), 1.0)


def allowed_losses(hits: int, max_loss: float, confidence: float) -> int:
    """Return the largest number of lost calibration hits that shows the promise; -1 where none does."""
    low, high = -1, hits  # the tail at ``low`` is small enough, at ``high`` it is 1
    while high - low > 1:
        middle = (low + high) // 2
        small = binomial_tail(middle, hits, max_loss) <= 1 - confidence
        low, high = (middle, high) if small else (low, middle)
    return low


def allowed_on_average(hits: int, max_loss: float) -> int:
    """Return the largest number of lost hits for which the mean loss is bounded; -1 where none is.

    Conformal risk control (Angelopoulos, Bates, Fisch, Lei and Schuster 2022, eq. 4) with loss 0 or 1:
    (losses + 1) / (hits + 1) <= max_loss.
    """
    return math.floor(Fraction(str(max_loss)) * (hits + 1)) - 1


def hits_needed(max_loss: float, confidence: float) -> int:
    """Return the fewest hits from which anything can be promised: the n with (1 - max_loss)^n <= 1 - confidence."""
    needed = max(1, math.ceil(math.log(1 - confidence) / math.log1p(-max_loss)) - 1)
    while allowed_losses(needed, max_loss, confidence) < 0:
        needed += 1
    return needed


def needed_on_average(max_loss: float) -> int:
    """Return the fewest hits for a bound of the mean: the n with 1 / (n + 1) <= max_loss."""
    return math.ceil(1 / Fraction(str(max_loss))) - 1


def upper_bound(losses: int, hits: int, confidence: float) -> float:
    """Return Clopper and Pearson's one-sided upper limit (1934) of a share seen ``losses`` times among ``hits``."""
    if losses >= hits:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if binomial_tail(losses, hits, middle) > 1 - confidence else (low, middle)
    return high


def threshold_at(scores: NDArray[np.float64], losses: int) -> float:
    """Return the highest threshold below which at most ``losses`` of the scores (hits,) lie."""
    return float(np.partition(scores, losses)[losses])
