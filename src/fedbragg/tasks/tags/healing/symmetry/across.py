"""Interpolation straight across a gap, where it is shortest, from the measured pixels on either side."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1))
"""Steps (rows, cols) along column, row and both diagonals, each with its opposite."""
FARTHEST = 80
"""Steps up to which a measured pixel still counts as the other side of a gap."""


def summed_tables(
    counts: NDArray[np.float32], level: NDArray[np.float32], measured: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return (2, rows + 1, cols + 1): sums over both axes of counts and level on the measured pixels."""
    tables = np.zeros((2, counts.shape[0] + 1, counts.shape[1] + 1))
    for table, part in zip(tables, (counts, level), strict=True):
        inner = table[1:, 1:]
        np.cumsum(part * measured, axis=0, dtype=np.float64, out=inner)
        np.cumsum(inner, axis=1, out=inner)
    return tables


@njit(nogil=True, cache=True)
def sides(measured: NDArray[np.bool_], pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (pixels, 8): steps to the nearest measured pixel in each of DIRECTIONS, 0 where it is too far.

    ``pixels`` are positions in the flat image.
    """
    rows, cols = measured.shape
    found = np.zeros((pixels.size, 8), np.int64)
    for t in range(pixels.size):
        row, col = pixels[t] // cols, pixels[t] % cols
        for k, (down, right) in enumerate(DIRECTIONS):
            i, j = row, col
            for step in range(1, FARTHEST + 1):
                i, j = i + down, j + right
                if i < 0 or j < 0 or i >= rows or j >= cols:
                    break
                if measured[i, j]:
                    found[t, k] = step
                    break
    return found


@njit(nogil=True, cache=True)
def across(
    tables: NDArray[np.float64],
    level: NDArray[np.float32],
    pixels: NDArray[np.int64],
    gaps: NDArray[np.int64],
    square: tuple[int, float],
) -> NDArray[np.float32]:
    """Interpolate between the two sides of a gap, along the row, the column or the diagonal on which it is shortest.

    ``pixels`` are positions in the flat image, ``level`` (pixels,) what ``tables`` expect on them, ``gaps`` their
    ``sides``. A side is averaged over a square of ``square[0]`` pixels each way, ``square[1]`` counts added to both
    sums. Returns (pixels,), NaN where there are no two sides.
    """
    cols = tables.shape[2] - 1
    edge, prior = square
    out = np.full(pixels.size, np.nan, np.float32)
    for t in range(pixels.size):
        best, length = -1, np.inf
        for k in range(0, 8, 2):
            width = (gaps[t, k] + gaps[t, k + 1]) * (1.0 if k < 4 else np.sqrt(2))
            if min(gaps[t, k], gaps[t, k + 1]) > 0 and width < length:
                best, length = k, width
        if best >= 0:
            row, col = pixels[t] // cols, pixels[t] % cols
            down, right = DIRECTIONS[best]
            first, second = gaps[t, best] + edge // 2, gaps[t, best + 1] + edge // 2
            before = _ratio(tables, row + first * down, col + first * right, edge, prior)
            after = _ratio(tables, row - second * down, col - second * right, edge, prior)
            out[t] = level[t] * (second * before + first * after) / (first + second)
    return out


@njit(inline="always")
def _ratio(tables, row, col, edge, prior):  # type: ignore[no-untyped-def]
    """Return counts over level in a square about a pixel, cut to the image."""
    top, left = max(row - edge // 2, 0), max(col - edge // 2, 0)
    end, right = min(row + edge // 2 + 1, tables.shape[1] - 1), min(col + edge // 2 + 1, tables.shape[2] - 1)
    counts = tables[0, end, right] - tables[0, top, right] - tables[0, end, left] + tables[0, top, left]
    level = tables[1, end, right] - tables[1, top, right] - tables[1, end, left] + tables[1, top, left]
    return (counts + prior) / (level + prior)
