"""Map scores to probabilities with a strictly rising function that is fitted on labelled frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import LabelError
from fedbragg.extras import require
from fedbragg.tasks.hits.calibration_card import SMALLEST, ScoreMap

FOLDS = 5
INVERSE_RIDGE = 1e6
"""Inverse strength of the ridge that keeps the fit finite; too weak to change a probability visibly."""


def fit_map(scores: NDArray[np.float64], hit: NDArray[np.bool_]) -> ScoreMap:
    """Fit beta calibration (Kull, Silva Filho and Flach 2017) to scores and labels, both (frames,).

    It is logistic regression on ln s and -ln(1 - s). Where a coefficient is negative, it is left out and the rest is
    fitted again, as in the paper. Targets are Platt's (1999), (hits + 1) / (hits + 2) and 1 / (misses + 2), so that
    classes that do not overlap give no certainty. Raises LabelError where hits do not score above misses.
    """
    inside = np.clip(scores, SMALLEST, 1 - SMALLEST)
    features = np.stack([np.log(inside), -np.log1p(-inside)], axis=1)
    for chosen in ((0, 1), (0,), (1,)):
        slopes, offset = _logistic(features[:, chosen], hit)
        if min(slopes) > 0:
            both = dict(zip(chosen, slopes, strict=True))
            return ScoreMap(both.get(0, 0.0), both.get(1, 0.0), offset)
    raise LabelError(
        "labelled hits do not score higher than misses: the model cannot tell them apart on these frames, or the "
        "labels are of other frames. Check the labels, or train the model on such frames first."
    )


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


def _logistic(features: NDArray[np.float64], hit: NDArray[np.bool_]) -> tuple[list[float], float]:
    """Return slopes and offset of a logistic regression on soft targets: each frame is a weighted hit and miss."""
    require("calibrate", "calibrating")
    from sklearn.linear_model import LogisticRegression

    hits = int(hit.sum())
    target = np.where(hit, (hits + 1) / (hits + 2), 1 / (len(hit) - hits + 2))
    fitted = LogisticRegression(C=INVERSE_RIDGE, solver="newton-cholesky", max_iter=200, tol=1e-8).fit(
        np.concatenate([features, features]),
        np.repeat([1, 0], len(hit)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    return [float(slope) for slope in fitted.coef_[0]], float(fitted.intercept_[0])
