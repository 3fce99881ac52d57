"""How many independent hits would tell as much as these, judged by how alike neighbours are.

A bound for independent hits takes every frame for a new draw. Neighbouring frames of a scan are near-copies; where
hits were not drawn at random from what is screened later, their number alone then promises too much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.classification import mean_ranks


def effective_hits(scores: NDArray[np.float64]) -> float:
    """Return hits over the autocorrelation time of their scores' ranks, (hits,) in the run's order.

    The time is Geyer's initial positive sequence (1992): sums of two neighbouring autocorrelations, as far as they are
    positive. Scores that are all the same tell nothing, and count as independent.
    """
    number = len(scores)
    ranks = mean_ranks(scores)
    if number < 4 or np.ptp(ranks) == 0:
        return float(number)
    centred = ranks - ranks.mean()
    spectrum = np.abs(np.fft.rfft(centred, 2 * number)) ** 2
    correlation = np.fft.irfft(spectrum)[: number // 2 * 2] / np.sum(centred**2)
    pairs = correlation.reshape(-1, 2).sum(axis=1)  # the first holds lags 0 and 1
    end = np.argmax(pairs <= 0) if np.any(pairs <= 0) else len(pairs)
    time = 2 * pairs[:end].sum() - 1
    return float(number / max(time, 1.0))


def frames_apart(scores: NDArray[np.float64], spacing: float) -> float:
    """Return how many frames of a run tell as much as one independent frame.

    ``scores``: (frames,) of the labelled ones, of which there is one in ``spacing``; correlations between frames that
    many apart stand for those in between.
    """
    known = scores[~np.isnan(scores)]
    if not known.size:
        return 1.0
    return 1 + (len(known) / effective_hits(known) - 1) * spacing


def independent(frames: int, apart: float) -> float:
    """Return how many independent frames tell as much as these; at least one."""
    return max(frames / apart, 1.0)
