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
    return _smoothed_medians(_filled_mean(valid, total, fewest))


@njit(cache=True, nogil=True, fastmath=False)
def in_photons(background: NDArray[np.float32], scale: np.float32, shift: np.float32) -> NDArray[np.float32]:
    """Return a background (cell rows, cell cols) in photons a pixel, at least 0; scale and shift of `PhotonScale`."""
    result = np.empty_like(background)
    for row in range(result.shape[0]):
        for col in range(result.shape[1]):
            result[row, col] = max(background[row, col] * scale + shift, np.float32(0))
    return result


@njit(cache=True, nogil=True, fastmath=False)
def _filled_mean(
    valid: NDArray[np.float32], total: NDArray[np.float32], fewest: float
) -> NDArray[np.float32]:
    """Return each block's mean; a block with too few pixels takes the mean to its left or, in an empty row, above.

    Before a row's first mean it takes that, and in empty rows at the top of the frame the first row below them.
    """
    rows, cols = valid.shape
    mean = np.empty((rows, cols), np.float32)
    first_row = -1
    for row in range(rows):
        _take_means(valid[row], total[row], fewest, mean[row])
        if not _fill(valid[row], fewest, mean[row]):
            if row > 0:
                _copy(mean[row - 1], mean[row])
        elif first_row < 0:
            first_row = row
    for row in range(first_row):
        _copy(mean[first_row], mean[row])
    return mean


@njit(cache=True, nogil=True, fastmath=False, error_model="numpy")
def _take_means(
    valid: NDArray[np.float32], total: NDArray[np.float32], fewest: float, mean: NDArray[np.float32]
) -> None:
    """Fill a row's means, 0 where too few pixels are valid, without a branch, so that it vectorises."""
    for col in range(mean.size):
        known = valid[col] >= fewest
        value = total[col] / (valid[col] if known else np.float32(1))
        mean[col] = value if known else np.float32(0)


@njit(cache=True, nogil=True, fastmath=False)
def _fill(valid: NDArray[np.float32], fewest: float, mean: NDArray[np.float32]) -> bool:
    """Fill the gaps in a row of means; tell whether there is any mean."""
    first = -1
    for col in range(mean.size):
        if valid[col] >= fewest:
            if first < 0:
                first = col
        elif first >= 0:
            mean[col] = mean[col - 1]
    for col in range(first):
        mean[col] = mean[first]
    return first >= 0


@njit(cache=True, nogil=True, inline="always")
def _copy(values: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    """Copy a row; an assignment of slices takes numba ten times as long to compile."""
    for col in range(values.size):
        target[col] = values[col]


@njit(cache=True, nogil=True, fastmath=True)
def _smoothed_medians(mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the 3 x 3 mean of the medians of row medians; at the frame's edges, of what there is along the edge.

    Row by row, so that what is made on the way stays in the cache: only the last three rows of it are kept.
    """
    rows, cols = mean.shape
    medians, level, sums = (
        np.empty((3, cols), np.float32),
        np.empty(cols, np.float32),
        np.empty((3, cols), np.float32),
    )
    result = np.empty((rows, cols), np.float32)
    for row in range(rows + 2):
        if row < rows:
            _medians_along(mean[row], medians[row % 3])
        middle = row - 1
        if 0 <= middle < rows:
            if middle == 0 or middle == rows - 1:
                _copy(medians[middle % 3], level)
            else:
                _medians_of(medians, level)
            _means_along(level, sums[middle % 3])
        done = row - 2
        if done == 0 or done == rows - 1:
            _copy(sums[done % 3], result[done])
        elif done > 0:
            _means_of(sums, done, result[done])
    return result


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _median3(a: float, b: float, c: float) -> float:
    return max(min(a, b), min(max(a, b), c))


@njit(cache=True, nogil=True, fastmath=True)
def _medians_along(values: NDArray[np.float32], result: NDArray[np.float32]) -> None:
    """Fill the median of each value of a row and those beside it; the first and the last stay as they are."""
    end = values.size - 1
    result[0], result[end] = values[0], values[end]
    for col in range(1, end):
        result[col] = _median3(values[col - 1], values[col], values[col + 1])


@njit(cache=True, nogil=True, fastmath=True)
def _medians_of(rows: NDArray[np.float32], result: NDArray[np.float32]) -> None:
    """Fill the medians of three rows (3, cols), whose order does not matter."""
    for col in range(result.size):
        result[col] = _median3(rows[0, col], rows[1, col], rows[2, col])


@njit(cache=True, nogil=True, fastmath=True)
def _means_along(values: NDArray[np.float32], result: NDArray[np.float32]) -> None:
    """Fill the mean of each value of a row and those beside it; the first and the last stay as they are."""
    end, third = values.size - 1, np.float32(1 / 3)
    result[0], result[end] = values[0], values[end]
    for col in range(1, end):
        result[col] = (values[col - 1] + values[col] + values[col + 1]) * third


@njit(cache=True, nogil=True, fastmath=True)
def _means_of(rows: NDArray[np.float32], middle: int, result: NDArray[np.float32]) -> None:
    """Fill the means of three rows, of which (3, cols) holds each at its number modulo 3."""
    third, above, here, below = (
        np.float32(1 / 3),
        rows[(middle - 1) % 3],
        rows[middle % 3],
        rows[(middle + 1) % 3],
    )
    for col in range(result.size):
        result[col] = (above[col] + here[col] + below[col]) * third
