"""Test whether a window of frames is a mixture of calibrated hits and misses, in any proportion.

The hit rate changes between runs and within a run, and such a change is not drift. So the empirical distribution of a
measure (score or background level) in the window is compared with the nearest mixture, share * hits + (1 - share) *
misses, over all shares. Its Kolmogorov-Smirnov distance to that mixture is at most the distance to the true one. For
that, the inequality of Dvoretzky, Kiefer and Wolfowitz holds with Massart's constant (1990), for window and
calibration alike: P(sup |F_n - F| > e) <= 2 exp(-2 n e^2). Where neighbouring frames are correlated, n is the
effective sample size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.autocorrelation import independent_frames
from fedbragg.tasks.hits.calibration_card import Spread
from fedbragg.types import SCORE_DECIMALS

QUANTILES = 64
"""Quantiles kept of each class; the distance is computed at these values, which can only make it smaller."""
TOLERANCE = 1.5 * 10.0**-SCORE_DECIMALS
"""Values closer than this count as equal: many empty frames share one score, up to its last digit."""
SHARES = np.linspace(0, 1, 101)
ERROR = 0.000625
"""Probability that one class of a calibration is farther from the truth than the allowance."""


@dataclass(frozen=True, slots=True, eq=False)
class Mixtures:
    """The mixtures of calibrated hits and misses, and how accurately each is known."""

    values: NDArray[np.float64]  # (values,) of the measure, rising
    cdf: NDArray[np.float64]  # (shares, values) cumulative distribution of each mixture
    allowance: NDArray[np.float64]  # (shares,) distance within which the true mixture lies
    per_independent: float  # frames of a run that carry the information of one independent frame


def spread_of(values: NDArray[np.float64], hit: NDArray[np.bool_], per_independent: float) -> Spread:
    """Return the empirical distributions over hits and over misses of a measure (frames,), NaN where unknown."""
    classes = [values[(hit == side) & ~np.isnan(values)] for side in (True, False)]
    if not all(len(side) for side in classes):
        return Spread((), (), ())
    steps = np.linspace(0, 1, QUANTILES)
    points = np.unique(np.concatenate([np.quantile(side, steps, method="inverted_cdf") for side in classes]))
    hits, misses = (tuple(empirical_cdf(side, points).tolist()) for side in classes)
    return Spread(tuple(points.tolist()), hits, misses, per_independent)


def mixtures_of(spread: Spread, hits: int, misses: int) -> Mixtures:
    """Return the mixtures of a calibration with so many hits and misses."""
    share = SHARES[:, None]
    of_hits, of_misses = (
        dkw_bound(independent_frames(frames, spread.apart), ERROR) for frames in (hits, misses)
    )
    half_step = 0.5 * (SHARES[1] - SHARES[0])  # the true share lies between two of the grid
    return Mixtures(
        values=np.array(spread.values),
        cdf=share * np.array(spread.hits) + (1 - share) * np.array(spread.misses),
        allowance=SHARES * of_hits + (1 - SHARES) * of_misses + half_step,
        per_independent=spread.apart,
    )


def distance(values: NDArray[np.float64], mixtures: Mixtures) -> float:
    """Return the Kolmogorov-Smirnov distance of values (frames,) to the nearest mixture, less its allowance."""
    gaps = np.abs(mixtures.cdf - empirical_cdf(values, mixtures.values)).max(axis=1)
    return float(np.min(gaps - mixtures.allowance))


def dkw_bound(frames: float, error: float) -> float:
    """Return the distance from empirical to true distribution that is exceeded with probability ``error`` at most."""
    return math.sqrt(math.log(2 / error) / (2 * frames))


def empirical_cdf(values: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the values that are at most each point, within the tolerance."""
    return np.searchsorted(np.sort(values), points + TOLERANCE, side="right") / len(values)
