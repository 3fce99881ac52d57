"""Beta calibration (Kull, Silva Filho and Flach 2017): scores become probabilities by a strictly rising map."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.extras import require

SMALLEST = 2.0**-24
"""Closer than this to 0 or 1, only the order of float32 scores is meaningful."""
EDGE = 1e-6
"""Relative range of the probabilities of such scores, which keeps their order and never reaches certainty."""
INVERSE_RIDGE = 1e6
"""Inverse strength of the ridge that keeps the fit finite; too weak to change a probability visibly."""


@dataclass(frozen=True, slots=True)
class ScoreMap:
    """Beta calibration (Kull, Silva Filho and Flach 2017): log odds = a ln(s) - b ln(1 - s) + c; strictly rising."""

    a: float
    b: float
    c: float

    def __call__(self, score: float) -> float:
        """Return the probability for a score from 0 to 1."""
        if score < SMALLEST:
            return self._inside(SMALLEST) * (1 - EDGE * (1 - max(score, 0.0) / SMALLEST))
        if score > 1 - SMALLEST:
            rest = 1 - self._inside(1 - SMALLEST)
            return 1 - rest * (1 - EDGE * (1 - max(1 - score, 0.0) / SMALLEST))
        return self._inside(score)

    def _inside(self, score: float) -> float:
        odds = self.a * math.log(score) - self.b * math.log1p(-score) + self.c
        return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0


def fit_beta(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> ScoreMap | None:
    """Fit beta calibration to scores from 0 to 1 and labels, both (examples,); None where scores do not rise with them.

    It is logistic regression on ln s and -ln(1 - s). Where a coefficient is negative, it is left out and the rest is
    fitted again, as in the paper. Targets are Platt's (1999), (positive + 1) / (positive + 2) and 1 / (negative + 2),
    so that classes that do not overlap give no certainty. Raises MissingExtraError without scikit-learn.
    """
    inside = np.clip(scores, SMALLEST, 1 - SMALLEST)
    features = np.stack([np.log(inside), -np.log1p(-inside)], axis=1)
    for chosen in ((0, 1), (0,), (1,)):
        slopes, offset = _logistic(features[:, chosen], positive)
        if min(slopes) > 0:
            both = dict(zip(chosen, slopes, strict=True))
            return ScoreMap(both.get(0, 0.0), both.get(1, 0.0), offset)
    return None


def _logistic(features: NDArray[np.float64], positive: NDArray[np.bool_]) -> tuple[list[float], float]:
    """Return slopes and offset of a logistic regression on soft targets: each example is a weighted yes and no."""
    require("calibrate", "calibrating")
    from sklearn.linear_model import LogisticRegression

    present = int(positive.sum())
    target = np.where(positive, (present + 1) / (present + 2), 1 / (len(positive) - present + 2))
    fitted = LogisticRegression(C=INVERSE_RIDGE, solver="newton-cholesky", max_iter=200, tol=1e-8).fit(
        np.concatenate([features, features]),
        np.repeat([1, 0], len(positive)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    return [float(slope) for slope in fitted.coef_[0]], float(fitted.intercept_[0])
