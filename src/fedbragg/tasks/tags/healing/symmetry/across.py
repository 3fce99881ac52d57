"""Interpolation straight across a gap, in its short direction, from the measured pixels on either side."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.symmetry.estimates import PRIOR

FARTHEST = 80
"""Pixels up to which a measured pixel still counts as the other side of a gap."""


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


def sides(measured: NDArray[np.bool_], pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (pixels, 4): distances up, down, left and right to the nearest measured pixel, 0 where it is too far.

    ``pixels`` are positions in the flat image.
    """
    return np.asarray(_sides(measured, pixels))


@njit(nogil=True, cache=True)
def across(
    tables: NDArray[np.float64],
    level: NDArray[np.float32],
    pixels: NDArray[np.int64],
    gaps: NDArray[np.int64],
    window: tuple[int, int],
) -> NDArray[np.float32]:
    """Interpolate between the two sides of a gap, along the row or the column, whichever is shorter.

    ``pixels`` are positions in the flat image, ``level`` (pixels,) their radial means, ``gaps`` their ``sides``. A side
    is averaged over ``window[0]`` pixels away from the gap and ``window[1]`` to either side. Returns (pixels,), NaN
    where there are no two sides.
    """
    cols = tables.shape[2] - 1
    deep, half = window
    out = np.full(pixels.size, np.nan, np.float32)
    for t in range(pixels.size):
        row, col = pixels[t] // cols, pixels[t] % cols
        up, down, left, right = gaps[t]
        upright, lying = min(up, down) > 0, min(left, right) > 0
        if upright and (not lying or up + down <= left + right):
            first = _ratio(tables, row - up - deep + 1, row - up + 1, col - half, col + half + 1)
            second = _ratio(tables, row + down, row + down + deep, col - half, col + half + 1)
            share = (up + deep / 2) / (up + down + deep)
        elif lying:
            first = _ratio(tables, row - half, row + half + 1, col - left - deep + 1, col - left + 1)
            second = _ratio(tables, row - half, row + half + 1, col + right, col + right + deep)
            share = (left + deep / 2) / (left + right + deep)
        else:
            continue
        out[t] = level[t] * ((1 - share) * first + share * second)
    return out


@njit(nogil=True, cache=True)
def _sides(measured, pixels):  # type: ignore[no-untyped-def]
    rows, cols = measured.shape
    found = np.zeros((pixels.size, 4), np.int64)
    for t in range(pixels.size):
        row, col = pixels[t] // cols, pixels[t] % cols
        for k, (down, right) in enumerate(((-1, 0), (1, 0), (0, -1), (0, 1))):
            for step in range(1, FARTHEST + 1):
                i, j = row + step * down, col + step * right
                if i < 0 or j < 0 or i >= rows or j >= cols:
                    break
                if measured[i, j]:
                    found[t, k] = step
                    break
    return found


@njit(inline="always")
def _ratio(tables, row, end_row, col, end_col):  # type: ignore[no-untyped-def]
    """Return counts over level in a window cut to the image."""
    row, col = max(row, 0), max(col, 0)
    end_row, end_col = min(end_row, tables.shape[1] - 1), min(end_col, tables.shape[2] - 1)
    counts = (
        tables[0, end_row, end_col] - tables[0, row, end_col] - tables[0, end_row, col] + tables[0, row, col]
    )
    level = (
        tables[1, end_row, end_col] - tables[1, row, end_col] - tables[1, end_row, col] + tables[1, row, col]
    )
    return (counts + PRIOR) / (level + PRIOR)
