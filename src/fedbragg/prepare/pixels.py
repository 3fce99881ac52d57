"""The one pass over the pixels: what each block of k x k pixels holds.

A frame is read once, row by row; sums and maxima are kept a column at a time, which the compiler turns into
vector instructions, and folded into blocks at the end of every k rows. Rows and columns beyond the last whole
block are left out: they are fewer than k.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, fastmath=True)
def block_sums(
    counts: NDArray[Any], mask: NDArray[np.bool_], block: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return valid pixels, their sum and their maximum for every block.

    ``counts`` and ``mask``: (rows, cols); each result: (rows // block, cols // block) float32. A block without a
    valid pixel has sum and maximum 0.
    """
    cell_rows, cell_cols = counts.shape[0] // block, counts.shape[1] // block
    width = cell_cols * block
    valid = np.zeros((cell_rows, cell_cols), np.float32)
    total = np.zeros((cell_rows, cell_cols), np.float32)
    peak = np.zeros((cell_rows, cell_cols), np.float32)
    column_valid = np.empty(width, np.float32)
    column_total = np.empty(width, np.float32)
    column_peak = np.empty(width, np.float32)
    for cell_row in range(cell_rows):
        column_valid[:] = 0
        column_total[:] = 0
        column_peak[:] = 0
        for row in range(cell_row * block, (cell_row + 1) * block):
            _add_row(counts[row], mask[row], column_valid, column_total, column_peak)
        for cell_col in range(cell_cols):
            first = cell_col * block
            here_valid, here_total, here_peak = np.float32(0), np.float32(0), np.float32(0)
            for column in range(first, first + block):
                here_valid += column_valid[column]
                here_total += column_total[column]
                here_peak = max(here_peak, column_peak[column])
            valid[cell_row, cell_col] = here_valid
            total[cell_row, cell_col] = here_total
            peak[cell_row, cell_col] = here_peak
    return valid, total, peak


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _add_row(
    counts: NDArray[Any],
    mask: NDArray[np.bool_],
    valid: NDArray[np.float32],
    total: NDArray[np.float32],
    peak: NDArray[np.float32],
) -> None:
    """Add one row of pixels to what each column holds so far; no branch, so that it vectorises."""
    for column in range(valid.size):
        weight = np.float32(1) - np.float32(mask[column])
        value = np.float32(counts[column]) * weight
        valid[column] += weight
        total[column] += value
        peak[column] = max(peak[column], value)
