"""Evaluate tags: every metric of each tag, and their means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.average_precision import average_precision
from fedbragg.metrics.classification import summary
from fedbragg.metrics.estimate import Estimate

SHOWN = ("mAP", "AUC", "balanced accuracy", "accuracy", "recall", "precision", "F1")


def metrics_by_tag(
    labels: NDArray[np.float32], probabilities: NDArray[np.float64], threshold: float = 0.5
) -> list[dict[str, Estimate]]:
    """Return every metric of each tag, from labels and probabilities (images, tags); unknown labels are left out."""
    judged = []
    for truth, score in zip(labels.T, probabilities.T, strict=True):
        known = truth >= 0
        positive = truth[known] > 0
        judged.append(
            {"mAP": average_precision(positive, score[known])} | summary(positive, score[known], threshold)
        )
    return judged


def mean_metrics(judged: Sequence[Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """Average metrics over the tags that have both answers; the interval is the mean interval, not narrowed."""
    both = [one for one in judged if np.isfinite(one["AUC"].value)]
    return {name: _mean([one[name] for one in both]) for name in SHOWN}


def _mean(estimates: Sequence[Estimate]) -> Estimate:
    values = np.array([[e.value, e.low, e.high] for e in estimates if np.isfinite(e.value)])
    return Estimate(*(values.mean(axis=0) if len(values) else np.full(3, np.nan)).tolist())
