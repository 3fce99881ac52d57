"""The effective sample size of autocorrelated frames: how many independent frames carry as much information.

A bound for independent hits counts every frame as a new draw. Neighbouring frames of a scan are near-copies, so their
number overstates the evidence unless they are drawn at random from the frames screened later.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.ranks import mean_ranks


def effective_sample_size(scores: NDArray[np.float64]) -> float:
    """Return the number of scores over the autocorrelation time of their ranks; scores are (frames,) in run order.

    The time is the sum over Geyer's initial positive sequence (1992): autocorrelations are summed in pairs of lags
    until a pair is not positive. Scores that are all equal count as independent.
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


def frames_per_independent(scores: NDArray[np.float64], spacing: float) -> float:
    """Return how many frames of a run carry the information of one independent frame; 1 where no score is known.

    ``scores``: (frames,) of the labelled frames, NaN where unknown. One frame in ``spacing`` is labelled, and the
    correlation is assumed to be the same for the frames between.
    """
    known = scores[~np.isnan(scores)]
    if not known.size:
        return 1.0
    return 1 + (len(known) / effective_sample_size(known) - 1) * spacing


def independent_frames(frames: int, per_independent: float) -> float:
    """Return how many independent frames carry the information of these; at least one."""
    return max(frames / per_independent, 1.0)
