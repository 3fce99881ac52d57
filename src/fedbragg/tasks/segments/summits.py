"""Find the summits of a landscape that stand out by a depth: its h-maxima (Soille 2003, section 6.3.4).

A summit stands out by h when every way to a higher point leads down by at least h. These are the points where the
landscape lowered by h, grown again below the landscape (its reconstruction), stays h under. The reconstruction goes
twice over the picture and finishes from a queue (Vincent 1993, IEEE Trans. Image Processing 2, 176, the hybrid).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

ROUNDING = np.float32(2e-6)
"""Rounding of a height, so that a difference of exactly the depth counts."""


def summits(height: NDArray[np.float32], depth: float) -> NDArray[np.bool_]:
    """Return which points (rows, cols) belong to summits that stand out by ``depth``; the eight neighbours touch."""
    lowest = np.float32(height.min(initial=0) - depth - 1)
    walled: NDArray[np.float32] = np.pad(
        height, 1, constant_values=lowest
    )  # so that no neighbour lies beyond the picture
    lowered = height - np.float32(depth) - ROUNDING * np.abs(height)
    grown: NDArray[np.float32] = np.pad(lowered, 1, constant_values=lowest).astype(np.float32)
    _reconstruct(grown.ravel(), walled.ravel(), walled.shape[1])
    found: NDArray[np.bool_] = height - grown[1:-1, 1:-1] >= depth
    return found


@njit(cache=True, nogil=True)
def _reconstruct(grown: NDArray[np.float32], height: NDArray[np.float32], width: int) -> None:
    """Grow ``grown`` as far as ``height`` lets it; both are flattened rows of ``width`` points with a wall around."""
    first, end = width + 1, grown.size - width - 1
    before = (-width - 1, -width, -width + 1, -1)
    for point in range(first, end):
        grown[point] = min(max(grown[point], _highest(grown, point, before, 1)), height[point])
    queue, number = np.empty(grown.size, np.int32), 0
    waiting = np.zeros(grown.size, np.bool_)
    for point in range(end - 1, first - 1, -1):
        grown[point] = min(max(grown[point], _highest(grown, point, before, -1)), height[point])
        for step in before:
            beside = point - step
            if grown[beside] < grown[point] and grown[beside] < height[beside]:
                queue[number], waiting[point], number = point, True, number + 1
                break
    start, held = 0, number
    while held:
        point = queue[start]
        start, held = (start + 1) % queue.size, held - 1
        waiting[point] = False
        for step in before:
            for beside in (point + step, point - step):
                if grown[beside] < grown[point] and grown[beside] < height[beside]:
                    grown[beside] = min(grown[point], height[beside])
                    if not waiting[beside]:
                        waiting[beside] = True
                        queue[(start + held) % queue.size] = beside
                        held += 1


@njit(cache=True, nogil=True, inline="always")
def _highest(values: NDArray[np.float32], point: int, steps: tuple[int, int, int, int], sign: int) -> float:
    a, b = values[point + sign * steps[0]], values[point + sign * steps[1]]
    c, d = values[point + sign * steps[2]], values[point + sign * steps[3]]
    return float(max(max(a, b), max(c, d)))
