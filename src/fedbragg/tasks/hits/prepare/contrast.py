"""How restless a block is: the variance of sums over 3 x 3 pixels, whatever slope lies under them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

THREE = 3
"""Pixels along the edge of what is summed: what is tested for peaks."""


@njit(cache=True, nogil=True)
def contrast(counts: NDArray[Any], top: int, left: int, apart: NDArray[np.float64]) -> float:
    """Return the variance of 3 x 3 sums in a block, in counts^2 a pixel, from contrasts between its quarters.

    ``apart`` (half, half) is room for a - b - c + d of the four quarters, in which an even slope cancels. Quarters
    that hold no 3 x 3 pixels give 0.
    """
    half = apart.shape[0]
    for i in range(half):
        for j in range(half):
            row, column = top + i, left + j
            upper = float(counts[row, column]) - float(counts[row, column + half])
            lower = float(counts[row + half, column]) - float(counts[row + half, column + half])
            apart[i, j] = upper - lower
    squares, number = 0.0, 0
    for i in range(half - THREE + 1):
        for j in range(half - THREE + 1):
            total = 0.0
            for k in range(THREE):
                for m in range(THREE):
                    total += apart[i + k, j + m]
            squares += total * total
            number += 1
    return squares / (max(number, 1) * 4 * THREE * THREE)
