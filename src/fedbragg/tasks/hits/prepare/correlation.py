"""Correlation of the noise between neighbouring pixels, from one block of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def correlation(
    counts: NDArray[Any], mask: NDArray[np.bool_], top: int, left: int, work: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the correlations of neighbours along rows and along columns of the block at ``top``, ``left``.

    ``work`` (block, block) is overwritten. Both are NaN for a block with a masked pixel or without noise.
    """
    if not _noise(counts, mask, top, left, work):
        return np.nan, np.nan
    power, along, down = 0.0, 0.0, 0.0
    for i in range(work.shape[0]):
        for j in range(work.shape[1]):
            power += work[i, j] * work[i, j]
            if j > 0:
                along += work[i, j] * work[i, j - 1]
            if i > 0:
                down += work[i, j] * work[i - 1, j]
    if power <= 0:
        return np.nan, np.nan
    return along / power, down / power


@njit(cache=True, nogil=True)
def _noise(
    counts: NDArray[Any], mask: NDArray[np.bool_], top: int, left: int, work: NDArray[np.float64]
) -> bool:
    """Fill ``work`` with a block less the means of its rows and columns, so without any even slope.

    Returns False for a block with a masked pixel.
    """
    edge = work.shape[0]
    columns = np.zeros(edge)
    for i in range(edge):
        mean = 0.0
        for j in range(edge):
            if mask[top + i, left + j]:
                return False
            work[i, j] = counts[top + i, left + j]
            mean += work[i, j] / edge
        for j in range(edge):
            work[i, j] -= mean
            columns[j] += work[i, j] / edge
    for i in range(edge):
        for j in range(edge):
            work[i, j] -= columns[j]
    return True
