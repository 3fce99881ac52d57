"""Find the most significant peak of every block by its Poisson significance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.mask_blocks import WHOLE, MaskBlocks

EMPTY = 0.02
"""Photons a pixel: the lowest background assumed. Over it four photons in 3 x 3 pixels have 4 standard deviations."""
REACH = 3
"""Pixels to each side of a peak within which its rim lies."""
CANDIDATE = 3.2
"""Standard deviations above the background from which a block's highest pixel is measured."""


NO_PHOTONS = 1e-9
"""Fewer photons count as none: the logarithm of a denormal number is not finite."""


@njit(cache=True, nogil=True)
def deviance(photons: float, expected: float) -> float:
    """Return by how many standard deviations ``photons`` exceeds ``expected``; negative if it is below.

    This is the signed root of the Poisson deviance, z = sqrt(2 (n ln(n / m) - (n - m))). It agrees with the exact tail
    probability within a few per cent from 0 to 10,000 counts, whereas (n - m) / sqrt(m) fails at low counts.
    """
    if photons <= NO_PHOTONS:
        return -math.sqrt(2 * expected)
    value = 2 * (photons * math.log(photons / expected) - (photons - expected))
    root = math.sqrt(max(value, 0.0))
    return root if photons > expected else -root


def find_peaks(
    counts: NDArray[Any],
    masked: MaskBlocks,
    background: NDArray[np.float32],
    peak: NDArray[np.float32],
    photons: tuple[float, float],
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Measure the highest pixel of every block and its surroundings.

    ``background`` in counts a pixel and ``peak`` in counts are both (cell rows, cell cols); ``photons`` is scale and
    shift of `PhotonScale`. Returns measures (4, cell rows, cell cols) float32 and places (2, cell rows, cell cols)
    int32. The measures are the significance of the 3 x 3 pixels around the peak, of its 8 neighbours alone (low for a
    zinger), of the rim from there to 7 x 7 (high for a ring or an edge), and the intensity in counts above the
    background. The places are row and column of the peak in pixels. Blocks without a peak hold 0 and place -1; a pixel
    beside a higher one of the next block is not a peak.
    """
    measures = np.zeros((4, *background.shape), np.float32)
    places = np.full((2, *background.shape), -1, np.int32)
    pixels = (read_only(masked.mask), masked.state)
    _find(counts, pixels, (background, peak), photons, masked.block, (measures, places))
    return measures, places


Masked = tuple[NDArray[np.bool_], NDArray[np.uint8]]  # mask and state of MaskBlocks
Planes = tuple[NDArray[np.float32], NDArray[np.float32]]  # background, peak
Found = tuple[NDArray[np.float32], NDArray[np.int32]]  # measures, places


@njit(cache=True, nogil=True)
def _find(
    counts: NDArray[Any],
    masked: Masked,
    planes: Planes,
    photons: tuple[float, float],
    block: int,
    found: Found,
) -> None:
    mask, state = masked
    background, peak = planes
    measures, places = found
    cell_rows, cell_cols = background.shape
    candidate = np.empty(cell_cols, np.bool_)
    for cell_row in range(cell_rows):
        _mark_candidates(background[cell_row], peak[cell_row], photons, candidate)
        for cell_col in range(cell_cols):
            if not candidate[cell_col]:
                continue
            row, column = _place(
                counts, mask, peak[cell_row, cell_col], cell_row * block, cell_col * block, block
            )
            if row < 0 or _shoulder(counts, mask, row, column):
                continue
            clear = block >= REACH and _clear(state, cell_row, cell_col)
            core, wide = _clear_windows(counts, row, column) if clear else _windows(counts, mask, row, column)
            expected = max(background[cell_row, cell_col] * photons[0] + photons[1], EMPTY)
            wings = (core[0] - float(counts[row, column]), core[1] - 1)
            rim = (wide[0] - core[0], wide[1] - core[1])
            measures[0, cell_row, cell_col] = _significance(core, expected, photons)
            measures[1, cell_row, cell_col] = _significance(wings, expected, photons)
            measures[2, cell_row, cell_col] = _significance(rim, expected, photons)
            measures[3, cell_row, cell_col] = core[0] - core[1] * background[cell_row, cell_col]
            places[0, cell_row, cell_col] = row
            places[1, cell_row, cell_col] = column


@njit(cache=True, nogil=True)
def _mark_candidates(
    background: NDArray[np.float32],
    peak: NDArray[np.float32],
    photons: tuple[float, float],
    candidate: NDArray[np.bool_],
) -> None:
    """Mark the cells of a row whose highest pixel is worth measuring, without a branch so that it vectorises."""
    scale, shift = photons
    for cell in range(candidate.size):
        expected = max(background[cell] * scale + shift, EMPTY)
        highest = peak[cell] * scale + shift
        # Adding 1.1 photons reproduces the deviance's limit from 0.02 to 10,000 photons without a logarithm.
        candidate[cell] = highest >= expected + 1.1 + CANDIDATE * math.sqrt(expected)


@njit(cache=True, nogil=True)
def cells_above(significance: NDArray[np.float32], least: float) -> NDArray[np.int64]:
    """Return row and column (cells, 2) of the cells (rows, cols) above ``least``, in their order."""
    rows, cols = significance.shape
    number = 0
    for row in range(rows):
        for col in range(cols):
            number += significance[row, col] > least
    cells = np.empty((number, 2), np.int64)
    found = 0
    for row in range(rows):
        if found == number:
            break
        for col in range(cols):
            if significance[row, col] > least:
                cells[found, 0], cells[found, 1] = row, col
                found += 1
    return cells


@njit(cache=True, nogil=True)
def _significance(window: tuple[float, int], expected: float, photons: tuple[float, float]) -> float:
    """Return the significance of counts in a number of pixels, 0 for none; ``expected`` is in photons a pixel."""
    total, pixels = window
    if pixels == 0:
        return 0.0
    return deviance(total * photons[0] + photons[1] * pixels, expected * pixels)


@njit(cache=True, nogil=True)
def _place(
    counts: NDArray[Any], mask: NDArray[np.bool_], peak: float, first_row: int, first_col: int, block: int
) -> tuple[int, int]:
    """Return row and column of the block's highest valid pixel."""
    for row in range(first_row, first_row + block):
        for column in range(first_col, first_col + block):
            if np.float32(counts[row, column]) == peak and not mask[row, column]:
                return row, column
    return -1, -1


@njit(cache=True, nogil=True)
def _shoulder(counts: NDArray[Any], mask: NDArray[np.bool_], row: int, column: int) -> bool:
    """Tell whether a neighbour is higher, or equal and earlier, so that one spot gives one peak."""
    top = counts[row, column]
    for i in range(max(row - 1, 0), min(row + 2, counts.shape[0])):
        for j in range(max(column - 1, 0), min(column + 2, counts.shape[1])):
            if not mask[i, j]:
                earlier = i < row or (i == row and j < column)
                if counts[i, j] > top or (earlier and counts[i, j] == top):
                    return True
    return False


Windows = tuple[tuple[float, int], tuple[float, int]]


@njit(cache=True, nogil=True)
def _windows(counts: NDArray[Any], mask: NDArray[np.bool_], row: int, column: int) -> Windows:
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


@njit(cache=True, nogil=True)
def _clear_windows(counts: NDArray[Any], row: int, column: int) -> Windows:
    """Return the same where no pixel is masked or beyond the frame: half of the memory need not be read."""
    core, wide = 0.0, 0.0
    for i in range(-REACH, REACH + 1):
        for j in range(-REACH, REACH + 1):
            value = float(counts[row + i, column + j])
            wide += value
            if abs(i) <= 1 and abs(j) <= 1:
                core += value
    return (core, 9), (wide, 49)


@njit(cache=True, nogil=True)
def _clear(state: NDArray[np.uint8], row: int, col: int) -> bool:
    """Tell whether a block and all blocks around it are there and whole."""
    if row == 0 or col == 0 or row + 1 == state.shape[0] or col + 1 == state.shape[1]:
        return False
    worst = WHOLE
    for i in range(row - 1, row + 2):
        for j in range(col - 1, col + 2):
            worst |= state[i, j]
    return bool(worst == WHOLE)
