"""Map scores to probabilities with a strictly rising function that is fitted on labelled frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import LabelError
from fedbragg.metrics.beta_calibration import ScoreMap, fit_beta

FOLDS = 5


def fit_map(scores: NDArray[np.float64], hit: NDArray[np.bool_]) -> ScoreMap:
    """Fit beta calibration to scores and labels, both (frames,).

    Raises LabelError where hits do not score above misses.
    """
    fitted = fit_beta(scores, hit)
    if fitted is None:
        raise LabelError(
            "labelled hits do not score higher than misses: the model cannot tell them apart on these frames, or the "
            "labels are of other frames. Check the labels, or train the model on such frames first."
        )
    return fitted


def cross_fitted(scores: NDArray[np.float64], hit: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the probability (frames,) of each frame by a map that was fitted without it.

    Each class is split into consecutive parts in the run's order, because neighbours are near-copies.
    """
    probability = np.empty_like(scores)
    parts = [np.array_split(np.flatnonzero(hit == side), FOLDS) for side in (True, False)]
    for held_out in (np.concatenate(pair) for pair in zip(*parts, strict=True)):
        fitted = np.ones(len(scores), np.bool_)
        fitted[held_out] = False
        score_map = fit_map(scores[fitted], hit[fitted])
        probability[held_out] = [score_map(score) for score in scores[held_out]]
    return probability
