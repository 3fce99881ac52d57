"""Block noise: the variance of sums over 3 x 3 pixels, with any even slope of the background cancelled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

SUM_WIDTH = 3
"""Pixels along the edge of a sum; the peak test uses the same sums."""


@njit(cache=True, nogil=True, fastmath=False, inline="always")
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


EIGHT = 8
"""Pixels along the edge of the blocks that `contrast_of_eight` serves."""


@njit(cache=True, nogil=True, fastmath=False, inline="always")
def contrast_of_eight(counts: NDArray[Any], top: int, left: int, zero: float) -> float:
    """Return the same, bit for bit, of the 8 x 8 pixels from row ``top`` and column ``left``, without memory for work.

    ``zero`` is of the type in which counts are added: whole numbers take less time.
    """
    above_left, above_right, below_left, below_right = zero, zero, zero, zero
    for row in range(4):
        upper, lower = np.uintp(top + row), np.uintp(top + row + 4)
        a = _across(counts, upper, lower, left, zero)
        b = _across(counts, upper, lower, left + 1, zero)
        c = _across(counts, upper, lower, left + 2, zero)
        d = _across(counts, upper, lower, left + 3, zero)
        if row < 3:
            above_left, above_right = above_left + (a + b + c), above_right + (b + c + d)
        if row > 0:
            below_left, below_right = below_left + (a + b + c), below_right + (b + c + d)
    squares = float(above_left) * float(above_left) + float(above_right) * float(above_right)
    squares = squares + float(below_left) * float(below_left) + float(below_right) * float(below_right)
    return squares / (4 * 4 * SUM_WIDTH * SUM_WIDTH)


@njit(cache=True, nogil=True, fastmath=False, inline="always")
def _across(counts: NDArray[Any], upper: np.uintp, lower: np.uintp, column: int, zero: float) -> float:
    """Return a - b - c + d of the pixels at one place in the four quarters of a block of eight."""
    left, right = np.uintp(column), np.uintp(column + 4)
    above: float = (zero + counts[upper, left]) - (zero + counts[upper, right])
    below: float = (zero + counts[lower, left]) - (zero + counts[lower, right])
    return above - below
