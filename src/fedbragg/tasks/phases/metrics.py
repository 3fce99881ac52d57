"""Metrics of phase identification: for each phase, and averaged over phases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.classification import summary
from fedbragg.metrics.estimate import Estimate
from fedbragg.metrics.reliability import brier, calibration_error


def metrics_by_phase(
    labels: NDArray[np.float64], probabilities: NDArray[np.float64], threshold: float = 0.5
) -> list[dict[str, Estimate]]:
    """Return every metric of each phase, from labels and probabilities (patterns, phases)."""
    phases = []
    for truth, score in zip(labels.T, probabilities.T, strict=True):
        known = truth >= 0
        phases.append(summary(truth[known] > 0, score[known], threshold))
    return phases


def mean_metrics(phases: Sequence[dict[str, Estimate]]) -> dict[str, Estimate]:
    """Average metrics over the phases that have them; the interval is the mean of theirs."""
    means = {}
    for name in phases[0]:
        values = np.array([[e.value, e.low, e.high] for e in (one[name] for one in phases)])
        values = values[np.isfinite(values[:, 0])]
        means[name] = Estimate(*(values.mean(axis=0) if len(values) else np.full(3, np.nan)).tolist())
    return means


def reliability_facts(
    labels: NDArray[np.float64], probabilities: NDArray[np.float64]
) -> tuple[tuple[str, str], ...]:
    """Return how far the probabilities are from the labels, averaged over the phases; both (patterns, phases)."""
    measures: dict[str, Callable[[NDArray[np.bool_], NDArray[np.float64]], float]] = {
        "Brier score": brier,
        "calibration error": calibration_error,
    }
    columns = [
        (truth[truth >= 0] > 0, score[truth >= 0])
        for truth, score in zip(labels.T, probabilities.T, strict=True)
        if (truth >= 0).any()
    ]
    return tuple(
        (name, f"{np.mean([measure(*column) for column in columns]):.3f}" if columns else "unknown")
        for name, measure in measures.items()
    )
