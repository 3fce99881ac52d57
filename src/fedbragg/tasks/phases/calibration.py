"""Turn the network's answers into probabilities, by beta calibration of each phase on simulated patterns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.beta_calibration import ScoreMap, fit_beta

UNCHANGED = ScoreMap(1.0, 1.0, 0.0)
"""The map that leaves every score unchanged."""


def fit_calibration(labels: NDArray[np.float64], scores: NDArray[np.float64]) -> tuple[ScoreMap, ...]:
    """Return one map for each phase, from labels (1, 0, or -1 for unknown) and scores, both (patterns, phases).

    A phase that no labelled pattern shows, or all, or whose scores do not rise with its labels, keeps its scores.
    Raises MissingExtraError without scikit-learn.
    """
    return tuple(_fitted(truth, score) for truth, score in zip(labels.T, scores.T, strict=True))


def calibrated(maps: Sequence[ScoreMap], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities (..., phases) of scores (..., phases); without maps, the scores."""
    if not maps:
        return scores
    columns = [
        np.vectorize(one, otypes=[float])(scores[..., place]) if scores.size else scores[..., place]
        for place, one in enumerate(maps)
    ]
    return np.stack(columns, axis=-1)


def _fitted(truth: NDArray[np.float64], score: NDArray[np.float64]) -> ScoreMap:
    known = truth >= 0
    shown = truth[known] > 0
    if shown.all() or not shown.any():
        return UNCHANGED
    return fit_beta(score[known], shown) or UNCHANGED
