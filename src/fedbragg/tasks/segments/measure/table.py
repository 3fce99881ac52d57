"""One row for each grain or particle: its position, size and shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.segmentation import Instances
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.measure.scale import Scale

STRIP = 1024
"""Rows counted at a time: pairs of numbers take more memory than the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class InstanceTable:
    """All instances of a micrograph, in the order of their numbers; each array is (instances,)."""

    number: NDArray[np.int64]  # as in the label image
    kind: NDArray[np.str_]  # name of the class
    row: NDArray[np.float64]  # pixel, of the centroid
    col: NDArray[np.float64]  # pixel, of the centroid
    area: NDArray[np.float64]  # unit of length squared
    diameter: NDArray[np.float64]  # unit of length, of the circle with the same area
    aspect_ratio: NDArray[np.float64]  # long over short axis of the ellipse with the same second moments
    touches_edge: NDArray[np.bool_]  # cut off by the picture's edge: its area is not that of the whole


def instance_table(
    instances: Instances, labels: NDArray[np.uint8], classes: Classes, scale: Scale
) -> InstanceTable:
    """Measure every instance of a micrograph (rows, cols)."""
    from skimage.measure import regionprops_table

    wanted = ("label", "area", "centroid", "axis_major_length", "axis_minor_length", "bbox")
    found = regionprops_table(instances, properties=wanted)
    numbers = np.asarray(found["label"], np.int64)
    area = np.asarray(found["area"], float)
    rows, cols = instances.shape
    edge = (
        (found["bbox-0"] == 0)
        | (found["bbox-1"] == 0)
        | (found["bbox-2"] == rows)
        | (found["bbox-3"] == cols)
    )
    shorter = np.maximum(np.asarray(found["axis_minor_length"], float), 1.0)
    return InstanceTable(
        number=numbers,
        kind=np.array(classes.names)[_class_of(instances, labels, numbers, classes)],
        row=np.asarray(found["centroid-0"], float),
        col=np.asarray(found["centroid-1"], float),
        area=area * scale.length**2,
        diameter=np.sqrt(4 * area / np.pi) * scale.length,
        aspect_ratio=np.maximum(np.asarray(found["axis_major_length"], float), 1.0) / shorter,
        touches_edge=np.asarray(edge, bool),
    )


def _class_of(
    instances: Instances, labels: NDArray[np.uint8], numbers: NDArray[np.int64], classes: Classes
) -> NDArray[np.intp]:
    """Return the class index of each instance: the most frequent of its pixels that are no boundary."""
    kinds = len(classes.names)
    counts = np.zeros((int(instances.max(initial=0)) + 1) * kinds, np.int64)
    for rows in range(0, len(instances), STRIP):
        pairs = instances[rows : rows + STRIP].astype(np.int64) * kinds + labels[rows : rows + STRIP]
        counts += np.bincount(pairs.ravel(), minlength=len(counts))
    of_instance = counts.reshape(-1, kinds)
    if classes.boundary_index is not None:
        of_instance[:, classes.boundary_index] = 0
    found: NDArray[np.intp] = of_instance[numbers].argmax(axis=1)
    return found
