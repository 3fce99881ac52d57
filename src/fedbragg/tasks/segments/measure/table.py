"""One row for each grain or particle: its position, size and shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.segmentation import Instances
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.measure.scale import Scale


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
    from fedbragg.tasks.segments.measure.moments import moments_of

    found = moments_of(instances, labels, len(classes.names))
    return InstanceTable(
        number=found.number,
        kind=np.array(classes.names)[_class_of(found.classes, classes)],
        row=found.row,
        col=found.col,
        area=found.area * scale.length**2,
        diameter=np.sqrt(4 * found.area / np.pi) * scale.length,
        aspect_ratio=np.maximum(found.longer, 1.0) / np.maximum(found.shorter, 1.0),
        touches_edge=found.touches_edge,
    )


def _class_of(pixels: NDArray[np.int64], classes: Classes) -> NDArray[np.intp]:
    """Return the class index of each instance: the most frequent, but the boundary, of its pixels by class."""
    counted = pixels.copy()
    if classes.boundary_index is not None:
        counted[:, classes.boundary_index] = 0
    found: NDArray[np.intp] = counted.argmax(axis=1)
    return found
