"""Block noise: the variance of sums over 3 x 3 pixels, with any even slope of the background cancelled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

SUM_WIDTH = 3
"""Pixels along the edge of a sum; the peak test uses the same sums."""


@njit(cache=True, nogil=True, inline="always")
def contrast(pixels: NDArray[np.float64], half: int, work: NDArray[np.float64]) -> float:
    """Return the variance of 3 x 3 sums in a block of pixels, in counts^2 a pixel, from differences of its quarters.

    ``work`` (half, half) is working memory for a - b - c + d of the four quarters, in which an even slope cancels.
    Quarters of ``half`` below 3 pixels give 0. Inlined, so that a known size unrolls the loops.
    """
    for i in range(half):
        for j in range(half):
            upper = pixels[i, j] - pixels[i, j + half]
            lower = pixels[i + half, j] - pixels[i + half, j + half]
            work[i, j] = upper - lower
    squares, number = 0.0, 0
    for i in range(half):  # sums of three along each row, in place: those to the right need none to the left
        for j in range(half - SUM_WIDTH + 1):
            work[i, j] = work[i, j] + work[i, j + 1] + work[i, j + 2]
    for i in range(half - SUM_WIDTH + 1):
        for j in range(half - SUM_WIDTH + 1):
            total = work[i, j] + work[i + 1, j] + work[i + 2, j]
            squares += total * total
            number += 1
    return squares / (max(number, 1) * 4 * SUM_WIDTH * SUM_WIDTH)
