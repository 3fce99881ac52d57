"""Metrics of a binary classifier at a threshold: every usual figure with its 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.estimate import Estimate
from fedbragg.metrics.proportions import f1_score, mean_of_two, proportion
from fedbragg.metrics.roc import area_under_curve


@dataclass(frozen=True, slots=True)
class Confusion:
    """The counts of a confusion matrix."""

    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int


def confusion(positive: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Confusion:
    """Count right and wrong predictions; both arrays are (frames,)."""
    return Confusion(
        int(np.sum(positive & predicted)),
        int(np.sum(positive & ~predicted)),
        int(np.sum(~positive & predicted)),
        int(np.sum(~positive & ~predicted)),
    )


def summary(positive: NDArray[np.bool_], score: NDArray[np.float64], threshold: float) -> dict[str, Estimate]:
    """Return every figure of a classifier that predicts positive from ``threshold`` on; both arrays are (frames,)."""
    c = confusion(positive, score >= threshold)
    right, wrong = c.true_positive + c.true_negative, c.false_positive + c.false_negative
    recall = proportion(c.true_positive, c.true_positive + c.false_negative)
    specificity = proportion(c.true_negative, c.true_negative + c.false_positive)
    return {
        "accuracy": proportion(right, right + wrong),
        "balanced accuracy": mean_of_two(recall, specificity),
        "precision": proportion(c.true_positive, c.true_positive + c.false_positive),
        "recall": recall,
        "F1": f1_score(c.true_positive, c.false_positive, c.false_negative),
        "AUC": area_under_curve(positive, score),
    }
