"""Correlation of the noise between neighbouring pixels, from one block of pixels."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, fastmath=False, inline="always")
def correlation(pixels: NDArray[np.float64], edge: int, work: NDArray[np.float64]) -> tuple[float, float]:
    """Return the correlations of neighbours along rows and along columns of a block (edge, edge) of pixels.

    ``work`` (edge, edge) is overwritten with the block less the means of its rows and columns, so without any even
    slope. Both are NaN without noise. Inlined, so that a known size unrolls the loops.
    """
    for i in range(edge):
        mean = 0.0
        for j in range(edge):
            work[i, j] = pixels[i, j]
            mean += work[i, j] / edge
        for j in range(edge):
            work[i, j] -= mean
    for j in range(edge):
        mean = 0.0
        for i in range(edge):
            mean += work[i, j] / edge
        for i in range(edge):
            work[i, j] -= mean
    power, along, down = 0.0, 0.0, 0.0
    for i in range(edge):
        for j in range(edge):
            power += work[i, j] * work[i, j]
            if j > 0:
                along += work[i, j] * work[i, j - 1]
            if i > 0:
                down += work[i, j] * work[i - 1, j]
    if power <= 0:
        return np.nan, np.nan
    return along / power, down / power
