"""Fills of a gap along straight lines, from which healnet chooses.

Along a line through a gap pixel, the logarithm of the local mean is interpolated between the measured pixels at both
ends. Which line is right depends on what crosses the gap, and how wide a mean should be on how noisy the counts are:
that is what the network learns.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.symmetry.across import summed_tables

LINES = ((1, 0), (0, 1), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1))
"""Steps (rows, cols) of the lines, each followed both ways."""
SQUARES = (1, 3, 7)
"""Pixels each way of the local means."""
FILLS = len(LINES) * len(SQUARES)
FARTHEST = 64
"""Steps to the end of a gap."""


def directional_fills(
    counts: NDArray[np.float32], measured: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return fills (FILLS, rows, cols) of gap pixels as ln(1 + counts), 0 elsewhere, and which lines have both ends.

    ``counts`` are 0 where nothing was measured; the second array is (FILLS, rows, cols), too.
    """
    tables = summed_tables(counts, np.ones_like(counts), measured)
    fills, there = np.zeros((FILLS, *counts.shape), np.float32), np.zeros((FILLS, *counts.shape), np.bool_)
    _fill(measured, tables, np.array(LINES), np.array(SQUARES), (fills, there))
    return fills, there


@njit(nogil=True, cache=True)
def _fill(measured, tables, lines, squares, out):  # type: ignore[no-untyped-def]
    fills, there = out
    cols = measured.shape[1]
    for pixel in np.flatnonzero(~measured):
        row, col = pixel // cols, pixel % cols
        for k in range(len(lines)):
            down, right = lines[k]
            ahead, behind = _steps(measured, row, col, down, right), _steps(measured, row, col, -down, -right)
            if ahead == 0 or behind == 0:
                continue
            for s in range(len(squares)):
                one = _mean(tables, row + ahead * down, col + ahead * right, squares[s] // 2)
                other = _mean(tables, row - behind * down, col - behind * right, squares[s] // 2)
                fill = k * len(squares) + s
                fills[fill, row, col] = (behind * np.log1p(one) + ahead * np.log1p(other)) / (ahead + behind)
                there[fill, row, col] = True


@njit(inline="always")
def _steps(measured, row, col, down, right):  # type: ignore[no-untyped-def]
    """Return the steps to the nearest measured pixel, 0 where there is none near enough."""
    for step in range(1, FARTHEST + 1):
        i, j = row + step * down, col + step * right
        if i < 0 or j < 0 or i >= measured.shape[0] or j >= measured.shape[1]:
            return 0
        if measured[i, j]:
            return step
    return 0


@njit(inline="always")
def _mean(tables, row, col, half):  # type: ignore[no-untyped-def]
    """Return the mean of the measured pixels in a square about one, cut to the image."""
    top, left = max(row - half, 0), max(col - half, 0)
    end, right = min(row + half + 1, tables.shape[1] - 1), min(col + half + 1, tables.shape[2] - 1)
    counts = tables[0, end, right] - tables[0, top, right] - tables[0, end, left] + tables[0, top, left]
    number = tables[1, end, right] - tables[1, top, right] - tables[1, end, left] + tables[1, top, left]
    return max(counts, 0.0) / max(number, 1.0)
