"""Turn the probability of boundaries into grains, and classes into particles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError
from fedbragg.metrics.segmentation import Instances

DEPTH = 1.0
"""pixel, by which two grains' middles must be deeper than the neck between them."""
DRAWN = 4
"""pixel, the farthest that a boundary is drawn from its middle."""
SMALLEST = 12
"""pixel, the smallest grain or particle that is counted; a smaller one belongs to its neighbour or to the matrix."""


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a picture's pixels."""

    names: tuple[str, ...]  # by class index; the first is the matrix
    boundary: str = "boundary"  # the class that separates grains, where it is one of the names
    absent: tuple[str, ...] = ()  # of the names, those that the pictures do not hold

    @property
    def boundary_index(self) -> int | None:
        """Return the index of the class that separates grains; None where there is none."""
        there = self.boundary in self.names and self.boundary not in self.absent
        return self.names.index(self.boundary) if there else None

    @property
    def absent_indices(self) -> list[int]:
        """Return the indices of the classes that the pictures do not hold."""
        return [self.names.index(name) for name in self.absent]

    def without(self, absent: Sequence[str]) -> Classes:
        """Return the classes of pictures that do not hold some of them; raise InputError where there are no such."""
        if unknown := [name for name in absent if name not in self.names]:
            raise InputError(
                f"{unknown[0]}: not a class of the model. Its classes are {', '.join(self.names)}."
            )
        if len(set(self.names) - set(absent)) < 2:
            raise InputError(
                f"without {', '.join(absent)} there is nothing to tell apart. Leave two classes at least."
            )
        return replace(self, absent=tuple(dict.fromkeys(absent)))


def most_probable(probabilities: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the most probable class of each pixel (rows, cols), the first of equals, from (classes, rows, cols)."""
    # Halves that are not negative are ordered as their bits are, and integers are compared faster.
    levels = probabilities.view(np.uint16) if probabilities.dtype == np.float16 else probabilities
    labels, highest = np.zeros(levels.shape[1:], np.uint8), levels[0]
    for index in range(1, len(levels)):
        labels[levels[index] > highest] = index
        highest = np.maximum(highest, levels[index])
    return labels


def find_instances(probabilities: NDArray[np.floating], classes: Classes) -> Instances:
    """Return grains and particles, (rows, cols) numbered from 1, from probabilities (classes, rows, cols).

    Grains meet on their boundary, which has no width.
    """
    index, labels = classes.boundary_index, most_probable(probabilities)
    particles = _particles(labels, index)
    if index is None:
        return particles.astype(np.int32)
    return _joined(_grains(probabilities[index].astype(np.float32)), particles)


def true_instances(labels: NDArray[np.uint8], classes: Classes) -> Instances:
    """Return the grains and particles that class indices (rows, cols) show: parts that hang together by an edge.

    Grains reach into the boundary's drawn width, to meet in its middle.
    """
    from skimage.measure import label
    from skimage.segmentation import expand_labels

    index = classes.boundary_index
    particles = _particles(labels, index)
    if index is None:
        return particles.astype(np.int32)
    inside = expand_labels(_without_small(label(labels == 0, connectivity=1)), DRAWN)
    return _joined(np.where((labels == 0) | (labels == index), inside, 0), particles)


def _grains(boundary: NDArray[np.float32]) -> NDArray[Any]:
    """Return grains by watershed: they meet on the ridge of the boundaries' probability; particles lie within them.

    Markers are the middles of the enclosed regions, found where the distance to them has a peak; so a boundary
    with a gap still parts two grains. Parts between which there is hardly a boundary are joined again.
    """
    from scipy.ndimage import distance_transform_edt

    from fedbragg.tasks.segments.merging import merged

    enclosed = boundary < 0.5
    distance = distance_transform_edt(np.pad(enclosed, 1, mode="edge"))[1:-1, 1:-1].astype(np.float32)
    markers = _markers(distance, enclosed)
    parts = _shared_out(4 * boundary - distance / (1 + distance), markers)
    return _without_small(merged(parts, boundary))


def _shared_out(height: NDArray[np.float32], markers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Share pixels out to the markers by watershed; only those that have none, and their neighbours, cost time."""
    from scipy.ndimage import binary_dilation

    from fedbragg.tasks.segments.flooding import flood

    return flood(height, markers, binary_dilation(markers == 0, np.ones((3, 3), bool)))


def _markers(distance: NDArray[np.float32], enclosed: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the middles of grains, numbered from 1; a region with a single middle is a marker as a whole.

    Most grains are enclosed well, and the watershed then has only their boundaries to share out. Peaks are looked for
    on every second pixel, because they are wider than that.
    """
    from skimage.measure import label

    from fedbragg.tasks.segments.summits import summits

    rows, cols = (length // 2 * 2 for length in distance.shape)
    higher = np.maximum(distance[:rows:2, :cols], distance[1:rows:2, :cols])
    peaks = label(summits(np.maximum(higher[:, ::2], higher[:, 1::2]), DEPTH))
    middles = np.zeros(distance.shape, np.int32)
    middles[:rows, :cols] = np.repeat(np.repeat(peaks, 2, axis=0), 2, axis=1)
    middles[~enclosed] = 0
    regions = label(enclosed, connectivity=1)
    pairs = np.unique(np.stack([regions[middles > 0], middles[middles > 0]]), axis=1)
    holding, first, count = np.unique(pairs[0], return_index=True, return_counts=True)
    whole = np.zeros(int(regions.max(initial=0)) + 1, np.int32)
    whole[holding[count == 1]] = pairs[1][first[count == 1]]
    markers: NDArray[np.int32] = np.maximum(middles, whole[regions])
    return markers


def _particles(labels: NDArray[Any], boundary: int | None) -> Instances:
    """Return the connected parts of every class but the first and the boundary."""
    from skimage.measure import label

    shown = np.where(labels == 255, 0, labels)
    if boundary is not None:
        shown = np.where(shown == boundary, 0, shown)
    return _without_small(label(shown, background=0, connectivity=1))


def _joined(grains: NDArray[Any], particles: NDArray[Any]) -> Instances:
    first = int(grains.max(initial=0))
    return np.where(particles > 0, particles + first, grains).astype(np.int32)


def _without_small(instances: NDArray[Any]) -> NDArray[Any]:
    sizes = np.bincount(instances.ravel())
    sizes[0] = 0
    return np.where(sizes[instances] >= SMALLEST, instances, 0)
