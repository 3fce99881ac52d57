"""Area, centroid, second moments and classes of all instances, in one pass over the picture.

The sums are whole numbers, so they are exact for pictures of up to 2**16 pixels on a side, and only the final division
rounds. Scikit-image's regionprops gives the same values, one instance at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.metrics.segmentation import Instances

AREA, ROW, COL, ROW_ROW, ROW_COL, COL_COL = range(6)
"""Columns of the sums: pixels, their rows and columns, and the products of these."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """The moments of the instances that occur, in the order of their numbers; each array is (instances,)."""

    number: NDArray[np.int64]  # as in the label image
    area: NDArray[np.float64]  # pixel
    row: NDArray[np.float64]  # pixel, of the centroid
    col: NDArray[np.float64]  # pixel, of the centroid
    longer: NDArray[np.float64]  # pixel, long axis of the ellipse with the same second moments
    shorter: NDArray[np.float64]  # pixel, its short axis
    touches_edge: NDArray[np.bool_]  # reaches the picture's first or last row or column
    classes: NDArray[np.int64]  # (instances, classes) pixels of each class


def moments_of(instances: Instances, labels: NDArray[np.uint8], classes: int) -> Moments:
    """Measure all instances of a picture (rows, cols), whose pixels have class indices ``labels``."""
    count = int(instances.max(initial=0)) + 1
    sums, kinds = np.zeros((count, 6), np.int64), np.zeros((count, classes), np.int64)
    _add_up(instances, labels, sums, kinds)
    number = np.flatnonzero(sums[1:, AREA]) + 1
    area = sums[number, AREA].astype(float)
    row, col = sums[number, ROW] / area, sums[number, COL] / area
    longer, shorter = _axes(
        sums[number, ROW_ROW] / area - row**2,
        sums[number, ROW_COL] / area - row * col,
        sums[number, COL_COL] / area - col**2,
    )
    edge = np.zeros(count, bool)
    for line in (instances[0], instances[-1], instances[:, 0], instances[:, -1]):
        edge[line] = True
    return Moments(number, area, row, col, longer, shorter, edge[number], kinds[number])


def _axes(
    rows: NDArray[np.float64], both: NDArray[np.float64], cols: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the axes of the ellipses with given variances and covariance, four roots of the eigenvalues each."""
    middle, half = (rows + cols) / 2, np.hypot((rows - cols) / 2, both)
    return 4 * np.sqrt(middle + half), 4 * np.sqrt(np.maximum(middle - half, 0))


@njit(cache=True, nogil=True)
def _add_up(
    instances: NDArray[np.int32],
    labels: NDArray[np.uint8],
    sums: NDArray[np.int64],
    kinds: NDArray[np.int64],
) -> None:
    """Add the pixels of each instance to its row of ``sums`` (instances, 6) and ``kinds`` (instances, classes)."""
    rows, cols = instances.shape
    for row in range(rows):
        for col in range(cols):
            number = instances[row, col]
            if number > 0:
                own = sums[number]
                own[AREA] += 1
                own[ROW] += row
                own[COL] += col
                own[ROW_ROW] += row * row
                own[ROW_COL] += row * col
                own[COL_COL] += col * col
                kinds[number, labels[row, col]] += 1
