"""Agreement of a segmented picture with its labels: by pixels, by boundaries, and by instances.

Definitions follow Ma et al. (2021), Chinese J. Eng. 43(1), 137, and for the instances the 2018 Data Science Bowl.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

THRESHOLDS = np.arange(0.5, 1.0, 0.05)
"""Overlaps (intersection over union) from which an instance counts as found; MAP is the mean over them."""
TOLERANCE = 2.0
"""pixel, by which a boundary may be displaced and still count as found."""

Instances = NDArray[np.int32]
"""(rows, cols) number of the instance, from 1; 0 belongs to none."""


@dataclass(frozen=True, slots=True)
class InstanceAgreement:
    """Agreement of instances with the true ones."""

    mean_precision: float  # TP / (TP + FP + FN), mean over THRESHOLDS; 1 is best
    rand_error: float  # adapted Rand error (Arganda-Carreras et al. 2015); 0 is best
    information: (
        float  # bit, variation of information (Meila 2007): the information of splits and merges; 0 is best
    )


def confusion(truth: NDArray[np.uint8], answer: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Return the pixels of each true class (rows) by the answered class (columns); others are left out."""
    known = truth < classes
    pairs = truth[known].astype(np.int64) * classes + answer[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def overlaps(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each class's intersection over union; NaN for one that neither labels nor answers have."""
    both = np.diag(confusion).astype(float)
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: NDArray[np.float64] = both / either
    return shares


def boundary_f1(truth: NDArray[np.bool_], answer: NDArray[np.bool_], tolerance: float = TOLERANCE) -> float:
    """Return the F1 of boundary pixels (rows, cols), where each may be displaced by ``tolerance`` pixels.

    NaN where neither picture has a boundary.
    """
    if not truth.any() and not answer.any():
        return float("nan")
    if not truth.any() or not answer.any():
        return 0.0
    precision = float((_distance_to(truth)[answer] <= tolerance).mean())
    recall = float((_distance_to(answer)[truth] <= tolerance).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def edges(regions: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return whether a pixel's right or lower neighbour belongs to another region, (rows, cols)."""
    found = np.zeros(regions.shape, bool)
    found[:-1] |= regions[:-1] != regions[1:]
    found[:, :-1] |= regions[:, :-1] != regions[:, 1:]
    return found


def compare_instances(truth: Instances, answer: Instances) -> InstanceAgreement:
    """Return how well instances agree; Rand error and information over the pixels that truly belong to one."""
    from skimage.metrics import adapted_rand_error, variation_of_information

    if truth.max(initial=0) == 0 or answer.max(initial=0) == 0:
        empty = truth.max(initial=0) == answer.max(initial=0)
        return InstanceAgreement(1.0 if empty else 0.0, 0.0 if empty else 1.0, float("nan"))
    error = float(adapted_rand_error(truth, answer, ignore_labels=(0,))[0])
    splits, merges = variation_of_information(truth, answer, ignore_labels=(0,))
    return InstanceAgreement(mean_precision(truth, answer), error, float(splits + merges))


def mean_precision(truth: Instances, answer: Instances) -> float:
    """Return TP / (TP + FP + FN) of instances, averaged over THRESHOLDS; above 0.5 no two can claim the same."""
    found = instance_overlaps(truth, answer)
    true, answered = _present(truth), _present(answer)
    hits: NDArray[np.int64] = (found[:, None] > THRESHOLDS[None]).sum(axis=0)
    return float((hits / (true + answered - hits)).mean())


def instance_overlaps(truth: Instances, answer: Instances) -> NDArray[np.float64]:
    """Return the intersection over union of every pair of instances that share a pixel."""
    width = int(answer.max()) + 1
    both = (truth > 0) & (answer > 0)
    pairs, shared = np.unique(truth[both].astype(np.int64) * width + answer[both], return_counts=True)
    size_true, size_answer = np.bincount(truth.ravel()), np.bincount(answer.ravel())
    union = size_true[pairs // width] + size_answer[pairs % width] - shared
    result: NDArray[np.float64] = shared / union
    return result


def _present(instances: Instances) -> int:
    return len(np.unique(instances[instances > 0]))


def _distance_to(found: NDArray[np.bool_]) -> NDArray[np.float64]:
    from scipy.ndimage import distance_transform_edt

    distance: NDArray[np.float64] = distance_transform_edt(~found)
    return distance
