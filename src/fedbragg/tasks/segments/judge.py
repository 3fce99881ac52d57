"""Evaluate a model on labelled micrographs: every measure of each, and their means with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.estimate import UNKNOWN, Estimate
from fedbragg.metrics.segmentation import boundary_f1, compare_instances, confusion, edges, overlaps
from fedbragg.tasks.segments import data
from fedbragg.tasks.segments.instances import Classes, find_instances, most_probable, true_instances

OTHERS = ("MAP", "boundary F1", "Rand error", "information")
"""Measures of one micrograph after its confusion matrix, in this order."""
RESAMPLES = 400
"""Number of resamples for an interval."""


def agreement(
    probabilities: NDArray[np.floating], labels: NDArray[np.uint8], classes: Classes
) -> NDArray[np.float64]:
    """Compare probabilities (classes, rows, cols) with labels (rows, cols), as one row of numbers.

    First the confusion matrix, true class by answered class, then OTHERS. Unlabelled pixels are not counted.
    """
    number = len(classes.names)
    counts = confusion(labels, most_probable(probabilities), number)
    known = labels != data.UNKNOWN
    true, found = true_instances(labels, classes), np.where(known, find_instances(probabilities, classes), 0)
    instances = compare_instances(true, found)
    boundary = boundary_f1(edges(true) & known, edges(found) & known)
    others = [instances.mean_precision, boundary, instances.rand_error, instances.information]
    return np.concatenate([counts.ravel().astype(float), others])


def summary(agreements: NDArray[np.float64], classes: Classes) -> Mapping[str, Estimate]:
    """Return every measure of micrographs (micrographs, numbers) with its 95 % interval, by bootstrap over them."""
    names = classes.names
    measures = ["mean IoU", "pixel accuracy", *(f"IoU {name}" for name in names), *OTHERS]
    if not len(agreements):
        return dict.fromkeys(measures, UNKNOWN)
    values = _measures(agreements, len(names))
    generator = np.random.default_rng(1)
    draws = np.array(
        [
            _measures(agreements[generator.integers(len(agreements), size=len(agreements))], len(names))
            for _ in range(RESAMPLES)
        ]
    )
    return {name: _estimate(value, draw) for name, value, draw in zip(measures, values, draws.T, strict=True)}


def _measures(agreements: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """Return all measures: overlaps of the summed pixels, and means of the others over the micrographs."""
    counts = agreements[:, : classes**2].sum(axis=0).reshape(classes, classes)
    by_class = np.where(counts.sum(axis=1) > 0, overlaps(counts.astype(np.int64)), np.nan)
    others = [_mean(column) for column in agreements[:, classes**2 :].T]
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    return np.array([_mean(by_class), accuracy, *by_class, *others])


def _mean(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _estimate(value: float, draws: NDArray[np.float64]) -> Estimate:
    finite = draws[np.isfinite(draws)]
    if not len(finite) or not np.isfinite(value):
        return UNKNOWN
    low, high = np.quantile(finite, [0.025, 0.975])
    return Estimate(float(value), float(low), float(high))
