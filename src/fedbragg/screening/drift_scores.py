"""Scores: whether a window's are hits and misses as the calibration knows them, in whatever proportion.

The hit rate changes from run to run and within one, and must not alarm. So the window's distribution is compared with
the nearest mixture, share * hits + (1 - share) * misses, over all shares: its Kolmogorov-Smirnov distance to that is at
most the distance to the true mixture, for which the inequality of Dvoretzky, Kiefer and Wolfowitz holds with Massart's
constant (1990), P(sup |F_n - F| > e) <= 2 exp(-2 n e^2), for window and calibration alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.models.calibration import Calibration, Scores

VALUES = 64
"""Quantiles kept of each class; the distance is taken at these values, which can only make it smaller."""
SHARES = np.linspace(0, 1, 101)
ERROR = 0.00125
"""Chance that one class of a calibration lies farther from the truth than allowed for."""


@dataclass(frozen=True, slots=True, eq=False)
class Mixtures:
    """The calibration's mixtures of hits and misses at some values, and how well each is known."""

    values: NDArray[np.float64]  # (values,)
    below: NDArray[np.float64]  # (shares, values) share of frames with this score or less
    allowance: NDArray[np.float64]  # (shares,) how far the truth may lie from it


def scores_seen(hits: NDArray[np.float64], misses: NDArray[np.float64]) -> Scores:
    """Return how many of the hits and of the misses, each (frames,), score up to some quantiles of both."""
    steps = np.linspace(0, 1, VALUES)
    quantiles = [np.quantile(side, steps, method="inverted_cdf") for side in (hits, misses)]
    values = np.unique(np.concatenate(quantiles))
    return Scores(tuple(values.tolist()), *(tuple(_below(side, values).tolist()) for side in (hits, misses)))


def mixtures(calibration: Calibration) -> Mixtures:
    """Prepare a calibration for comparing windows with it."""
    scores, promise = calibration.scores, calibration.promise
    share = SHARES[:, None]
    known = [dkw(frames, ERROR) for frames in (promise.hits, promise.misses)]
    return Mixtures(
        values=np.array(scores.values),
        below=share * np.array(scores.hits) + (1 - share) * np.array(scores.misses),
        allowance=SHARES * known[0] + (1 - SHARES) * known[1] + 0.5 * (SHARES[1] - SHARES[0]),
    )


def distance(scores: NDArray[np.float64], known: Mixtures) -> float:
    """Return how far the scores (frames,) are from the nearest mixture, less what the calibration may be off by."""
    gaps = np.abs(known.below - _below(scores, known.values)).max(axis=1)
    return float(np.min(gaps - known.allowance))


def dkw(frames: int, error: float) -> float:
    """Return how far an empirical distribution may lie from the true one, but for a chance of ``error``."""
    return math.sqrt(math.log(2 / error) / (2 * frames))


def _below(scores: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the scores up to each value."""
    return np.searchsorted(np.sort(scores), values, side="right") / len(scores)
