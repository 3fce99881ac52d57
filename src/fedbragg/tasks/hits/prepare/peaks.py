"""Find the most significant peak of every block by its Poisson significance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

EMPTY = 0.02
"""Photons a pixel: the lowest background assumed. Over it four photons in 3 x 3 pixels have 4 standard deviations."""
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
    mask: NDArray[np.bool_],
    background: NDArray[np.float32],
    peak: NDArray[np.float32],
    photons: tuple[float, float],
    block: int,
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
    _find(counts, mask, (background, peak), photons, block, (measures, places))
    return measures, places


Planes = tuple[NDArray[np.float32], NDArray[np.float32]]  # background, peak
Found = tuple[NDArray[np.float32], NDArray[np.int32]]  # measures, places


@njit(cache=True, nogil=True)
def _find(
    counts: NDArray[Any],
    mask: NDArray[np.bool_],
    planes: Planes,
    photons: tuple[float, float],
    block: int,
    found: Found,
) -> None:
    background, peak = planes
    measures, places = found
    cell_rows, cell_cols = background.shape
    scale, shift = photons
    for cell_row in range(cell_rows):
        for cell_col in range(cell_cols):
            expected = max(background[cell_row, cell_col] * scale + shift, EMPTY)
            highest = peak[cell_row, cell_col] * scale + shift
            # Adding 1.1 photons reproduces the deviance's limit from 0.02 to 10,000 photons without a logarithm.
            if highest < expected + 1.1 + CANDIDATE * math.sqrt(expected):
                continue
            row, column = _place(
                counts, mask, peak[cell_row, cell_col], cell_row * block, cell_col * block, block
            )
            if row < 0 or _shoulder(counts, mask, row, column):
                continue
            core, wings, rim, total, pixels = _measure(counts, mask, row, column, expected, photons)
            measures[0, cell_row, cell_col] = core
            measures[1, cell_row, cell_col] = wings
            measures[2, cell_row, cell_col] = rim
            measures[3, cell_row, cell_col] = total - pixels * background[cell_row, cell_col]
            places[0, cell_row, cell_col] = row
            places[1, cell_row, cell_col] = column


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
def _measure(
    counts: NDArray[Any],
    mask: NDArray[np.bool_],
    row: int,
    column: int,
    expected: float,
    photons: tuple[float, float],
) -> tuple[float, float, float, float, int]:
    """Return the significance of core, wings and rim, and the core's counts and pixels."""
    scale, shift = photons
    core, core_pixels = _window(counts, mask, row, column, 1)
    wide, wide_pixels = _window(counts, mask, row, column, 3)
    wings, wings_pixels = core - float(counts[row, column]), core_pixels - 1
    rim, rim_pixels = wide - core, wide_pixels - core_pixels
    return (
        deviance(core * scale + shift * core_pixels, expected * core_pixels),
        deviance(wings * scale + shift * wings_pixels, expected * wings_pixels) if wings_pixels else 0.0,
        deviance(rim * scale + shift * rim_pixels, expected * rim_pixels) if rim_pixels else 0.0,
        core,
        core_pixels,
    )


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


@njit(cache=True, nogil=True)
def _window(
    counts: NDArray[Any], mask: NDArray[np.bool_], row: int, column: int, reach: int
) -> tuple[float, int]:
    """Return the sum and number of the valid pixels within ``reach`` of a pixel."""
    total, pixels = 0.0, 0
    for i in range(max(row - reach, 0), min(row + reach + 1, counts.shape[0])):
        for j in range(max(column - reach, 0), min(column + reach + 1, counts.shape[1])):
            if not mask[i, j]:
                total += float(counts[i, j])
                pixels += 1
    return total, pixels
