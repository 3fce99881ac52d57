"""Look closely at likely peaks while their pixels are in the processor's cache.

Whether a block's highest pixel is worth measuring is known when the whole frame has been read: it depends on the
background around the block and on the detector's gain. By then the pixels have left the cache, and to fetch a dozen
lines of memory takes longer than all else that is done for a peak. So whatever a photon counter would probably show as
a peak is looked at as soon as its surroundings are there. The result is the same; only its time is saved.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.mask_blocks import WHOLE

REACH = 3
"""Pixels to each side of a peak within which its rim lies."""
EIGHT = 8
"""The block size in which peaks are looked at early."""
EMPTY, ABOVE, LIKELY = 0.02, 1.1, 3.2
"""Photons a pixel, photons and standard deviations: a likely peak is so far above its surroundings. What is measured in
the end is decided by `find_peaks`, with the same numbers."""
LARGEST_SHARE = 0.25
"""Likely peaks of a frame are looked at up to this share of its blocks: a detector that amplifies shows too many."""

Windows = tuple[tuple[float, int], tuple[float, int]]  # counts and number of 3 x 3 and of 7 x 7 pixels
Planes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[Any]]
"""total and peak of Blocks, and the highest count of each column of the even and the odd row of blocks (2, cols)"""
Likely = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]
"""Likely peaks in row order (peaks, 8): column of the block, row and column in pixels (-1 where a neighbour is higher),
counts of the pixel, counts and number of 3 x 3 pixels, and the same of 7 x 7; where each row of blocks begins among
them (cell rows + 1,); and working memory, twice (cell cols,)."""


def no_likely_peaks(shape: tuple[int, int], block: int) -> Likely:
    """Return memory for those of a frame of (cell rows, cell cols)."""
    most = int(shape[0] * shape[1] * LARGEST_SHARE) if block == EIGHT else 0
    return (
        np.empty((most, 8)),
        np.zeros(shape[0] + 1, np.int64),
        np.empty(shape[1], np.uint8),
        np.empty(shape[1], np.int64),
    )


@njit(cache=True, nogil=True, fastmath=False, inline="always")
def look_at_row(
    counts: NDArray[Any],
    masked: tuple[NDArray[np.bool_], NDArray[np.uint8], NDArray[np.float32]],
    row: int,
    planes: Planes,
    likely: Likely,
    zero: float,
) -> None:
    """Add the likely peaks of a row of blocks; the next row of blocks must be there.

    ``masked`` are mask, state and around of `MaskBlocks`, ``zero`` is of the type in which counts are added.
    """
    mask, state, share = masked
    total, peak, highest = planes
    peaks, starts, marked, cols = likely
    number = starts[row]
    if 0 < row < len(total) - 1:
        _mark(total[row - 1 : row + 2], share[row], peak[row], marked)
        for k in range(_listed(marked, cols)):
            if number == len(peaks):
                break
            top, left = row * EIGHT, cols[k] * EIGHT
            if surroundings_are_whole(state, row, cols[k]):
                i, j = place_of(counts, peak[row, cols[k]], (top, left), highest[row % 2])
                higher = has_higher_neighbour(counts, i, j)
                core, wide = sums_around(counts, i, j, zero)
                windows = ((core, 9), (wide, 49))
            else:
                # A plain 8 is a type of its own to numba, which then compiles the function twice.
                i, j = place_in(counts, mask, peak[row, cols[k]], top, left, int(np.int64(EIGHT)))
                higher = i < 0 or is_shoulder(counts, mask, i, j)
                windows = sums_beside_masked(counts, mask, i, j)
            peaks[number, 0], peaks[number, 1], peaks[number, 2] = cols[k], -1 if higher else i, j
            if not higher:
                peaks[number, 3] = counts[i, j]
                peaks[number, 4], peaks[number, 5] = windows[0]
                peaks[number, 6], peaks[number, 7] = windows[1]
            number += 1
    starts[row + 1] = number


@njit(cache=True, nogil=True, fastmath=False, inline="always")
def _mark(
    total: NDArray[np.float32],
    share: NDArray[np.float32],
    peak: NDArray[np.float32],
    marked: NDArray[np.uint8],
) -> None:
    """Mark the blocks of a row that probably show a peak, by the mean of 3 x 3 blocks, which is near the background.

    ``total`` (3, cell cols) are sums of this row and those beside it. Without a branch, so that it vectorises.
    """
    above, here, below = total[0], total[1], total[2]
    for col in range(1, marked.size - 1):
        left = above[col - 1] + here[col - 1] + below[col - 1]
        right = above[col + 1] + here[col + 1] + below[col + 1]
        mean = (left + (above[col] + here[col] + below[col]) + right) * share[col]
        mean = max(mean, np.float32(EMPTY))
        marked[col] = peak[col] >= mean + np.float32(ABOVE) + np.float32(LIKELY) * np.sqrt(mean)


@njit(cache=True, nogil=True, fastmath=False, inline="always")
def _listed(marked: NDArray[np.uint8], cols: NDArray[np.int64]) -> int:
    """Write the marked columns one after the other, without a branch; return how many there are."""
    number = 0
    for col in range(1, marked.size - 1):
        cols[number] = col
        number += int(marked[col])
    return number


@njit(cache=True, nogil=True, fastmath=False)
def surroundings_are_whole(state: NDArray[np.uint8], row: int, col: int) -> bool:
    """Tell whether a block and all blocks around it are there and whole."""
    if row == 0 or col == 0 or row + 1 >= state.shape[0] or col + 1 >= state.shape[1]:
        return False
    worst = WHOLE
    for i in range(row - 1, row + 2):
        for j in range(col - 1, col + 2):
            worst |= state[i, j]
    return bool(worst == WHOLE)


@njit(cache=True, nogil=True, fastmath=False, inline="always")
def place_of(
    counts: NDArray[Any], peak: float, first: tuple[int, int], highest: NDArray[Any]
) -> tuple[int, int]:
    """Return row and column of a block's highest pixel, the first in row order where several are.

    ``highest`` (cols,) is the highest count of each column of the row of blocks.
    """
    found, at = EIGHT, first[1]
    for column in range(first[1], first[1] + EIGHT):
        if np.float32(highest[np.uintp(column)]) == peak:
            for row in range(EIGHT):
                if np.float32(counts[np.uintp(first[0] + row), np.uintp(column)]) == peak:
                    if row < found:
                        found, at = row, column
                    break
    return first[0] + found, at


# Unsigned numbers as indices: the compiler need not care for negative ones, which count from the end.
@njit(cache=True, nogil=True, fastmath=False, inline="always")
def has_higher_neighbour(counts: NDArray[Any], row: int, column: int) -> bool:
    """Tell whether a neighbour is higher, or equal and earlier; all eight must be there."""
    above, here, below = np.uintp(row - 1), np.uintp(row), np.uintp(row + 1)
    top = counts[here, np.uintp(column)]
    higher = (counts[here, np.uintp(column - 1)] >= top) | (counts[here, np.uintp(column + 1)] > top)
    for j in range(column - 1, column + 2):
        higher |= (counts[above, np.uintp(j)] >= top) | (counts[below, np.uintp(j)] > top)
    return bool(higher)


@njit(cache=True, nogil=True, fastmath=False)
def sums_around(counts: NDArray[Any], row: int, column: int, zero: float) -> tuple[float, float]:
    """Return the counts in the 3 x 3 pixels about a pixel, and in the 7 x 7; all must be there."""
    core, wide = zero, zero
    for i in range(-REACH, REACH + 1):
        for j in range(-REACH, REACH + 1):
            wide += counts[np.uintp(row + i), np.uintp(column + j)]
    for i in range(-1, 2):
        for j in range(-1, 2):
            core += counts[np.uintp(row + i), np.uintp(column + j)]
    return float(core), float(wide)


@njit(cache=True, nogil=True, fastmath=False)
def place_in(
    counts: NDArray[Any], mask: NDArray[np.bool_], peak: float, first_row: int, first_col: int, block: int
) -> tuple[int, int]:
    """Return row and column of the block's highest valid pixel."""
    for row in range(first_row, first_row + block):
        for column in range(first_col, first_col + block):
            if np.float32(counts[row, column]) == peak and not mask[row, column]:
                return row, column
    return -1, -1


@njit(cache=True, nogil=True, fastmath=False)
def is_shoulder(counts: NDArray[Any], mask: NDArray[np.bool_], row: int, column: int) -> bool:
    """Tell whether a neighbour is higher, or equal and earlier, so that one spot gives one peak."""
    top = counts[row, column]
    for i in range(max(row - 1, 0), min(row + 2, counts.shape[0])):
        for j in range(max(column - 1, 0), min(column + 2, counts.shape[1])):
            if not mask[i, j]:
                earlier = i < row or (i == row and j < column)
                if counts[i, j] > top or (earlier and counts[i, j] == top):
                    return True
    return False


@njit(cache=True, nogil=True, fastmath=False)
def sums_beside_masked(counts: NDArray[Any], mask: NDArray[np.bool_], row: int, column: int) -> Windows:
    """Return sum and number of the valid pixels in the 3 x 3 about a pixel, and in the 7 x 7."""
    core, core_pixels, wide, wide_pixels = 0.0, 0, 0.0, 0
    for i in range(max(row - REACH, 0), min(row + REACH + 1, counts.shape[0])):
        for j in range(max(column - REACH, 0), min(column + REACH + 1, counts.shape[1])):
            if not mask[i, j]:
                value = float(counts[i, j])
                wide += value
                wide_pixels += 1
                if abs(i - row) <= 1 and abs(j - column) <= 1:
                    core += value
                    core_pixels += 1
    return (core, core_pixels), (wide, wide_pixels)
