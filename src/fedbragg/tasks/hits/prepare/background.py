"""The local background of every block, robust against spots."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, fastmath=True)
def local_background(
    valid: NDArray[np.float32], total: NDArray[np.float32], fewest: float
) -> NDArray[np.float32]:
    """Return the background in counts a pixel around every block, (cell rows, cell cols).

    The median of the row medians over 3 x 3 blocks removes spots, which are smaller than a block; a 3 x 3 mean of that
    removes noise. Blocks with fewer than ``fewest`` valid pixels take a neighbour's value.
    """
    mean = _filled_mean(valid, total, fewest)
    return _smooth(_median_of_medians(mean))


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _filled_mean(
    valid: NDArray[np.float32], total: NDArray[np.float32], fewest: float
) -> NDArray[np.float32]:
    """Return each block's mean; a block with too few pixels takes the mean to its left or, in an empty row, above.

    Empty rows at the top of the frame take the first row below them.
    """
    rows, cols = valid.shape
    mean = np.zeros((rows, cols), np.float32)
    first_row = -1
    for row in range(rows):
        last = np.float32(-1)
        first_valid = -1
        for col in range(cols):
            if valid[row, col] >= fewest:
                mean[row, col] = total[row, col] / valid[row, col]
                last = mean[row, col]
                if first_valid < 0:
                    first_valid = col
            elif first_valid >= 0:
                mean[row, col] = last
        if first_valid < 0:
            if row > 0:
                _copy_row(mean, row - 1, row)
        else:
            for col in range(first_valid):
                mean[row, col] = mean[row, first_valid]
            if first_row < 0:
                first_row = row
    for row in range(first_row):
        _copy_row(mean, first_row, row)
    return mean


@njit(cache=True, nogil=True, inline="always")
def _copy_row(values: NDArray[np.float32], source: int, target: int) -> None:
    """Copy a row; an assignment of slices takes numba ten times as long to compile."""
    for col in range(values.shape[1]):
        values[target, col] = values[source, col]


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _median3(a: float, b: float, c: float) -> float:
    return max(min(a, b), min(max(a, b), c))


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _median_of_medians(mean: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, cols = mean.shape
    across = mean.copy()
    for row in range(rows):
        for col in range(1, cols - 1):
            across[row, col] = _median3(mean[row, col - 1], mean[row, col], mean[row, col + 1])
    result = across.copy()
    for row in range(1, rows - 1):
        for col in range(cols):
            result[row, col] = _median3(across[row - 1, col], across[row, col], across[row + 1, col])
    return result


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, cols = values.shape
    third = np.float32(1 / 3)
    across = values.copy()
    for row in range(rows):
        for col in range(1, cols - 1):
            across[row, col] = (values[row, col - 1] + values[row, col] + values[row, col + 1]) * third
    result = across.copy()
    for row in range(1, rows - 1):
        for col in range(cols):
            result[row, col] = (across[row - 1, col] + across[row, col] + across[row + 1, col]) * third
    return result
