"""Exact tails, limits and quantiles of the binomial distribution."""

from __future__ import annotations

import math


def binomial_cdf(successes: int, trials: int, share: float) -> float:
    """Return P(Bin(trials, share) <= successes)."""
    if successes >= trials or share <= 0:
        return 1.0
    if successes < 0 or share >= 1:
        return 0.0
    log_share, log_rest = math.log(share), math.log1p(-share)
    start = math.lgamma(trials + 1)
    terms = [
        start - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * log_share + (trials - k) * log_rest
        for k in range(successes + 1)
    ]
    return min(math.fsum(math.exp(term) for term in terms), 1.0)


def upper_limit(successes: int, trials: int, confidence: float) -> float:
    """Return the one-sided upper limit of a share (Clopper and Pearson 1934), seen ``successes`` times."""
    if successes >= trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        covered = binomial_cdf(successes, trials, middle) > 1 - confidence
        low, high = (middle, high) if covered else (low, middle)
    return high


def upper_quantile(trials: int, share: float, error: float) -> int:
    """Return the smallest k with P(Bin(trials, share) > k) <= error, for k not below the mean."""
    low, high = math.floor(trials * share), trials
    while low < high:
        middle = (low + high) // 2
        above = binomial_cdf(trials - middle - 1, trials, 1 - share)  # P(successes >= middle + 1)
        low, high = (low, middle) if above <= error else (middle + 1, high)
    return low
