"""Find the most significant peak of every block by its Poisson significance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.likely_peaks import (
    REACH,
    Windows,
    is_shoulder,
    place_in,
    sums_around,
    sums_beside_masked,
    surroundings_are_whole,
)
from fedbragg.tasks.hits.prepare.mask_blocks import MaskBlocks
from fedbragg.tasks.hits.prepare.pixels import Blocks

EMPTY = 0.02
"""Photons a pixel: the lowest background assumed. Over it four photons in 3 x 3 pixels have 4 standard deviations."""
CANDIDATE = 3.2
"""Standard deviations above the background from which a block's highest pixel is measured."""


NO_PHOTONS = 1e-9
"""Fewer photons count as none: the logarithm of a denormal number is not finite."""


@njit(cache=True, nogil=True, inline="always")
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
    blocks: Blocks,
    photons: tuple[float, float],
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Measure the highest pixel of every block and its surroundings.

    ``background`` (cell rows, cell cols) is in counts a pixel; ``photons`` is scale and shift of `PhotonScale`. Returns
    measures (4, cell rows, cell cols) float32 and places (2, cell rows, cell cols) int32. The measures are the
    significance of the 3 x 3 pixels around the peak, of its 8 neighbours alone (low for a zinger), of the rim from
    there to 7 x 7 (high for a ring or an edge), and the intensity in counts above the background. The places are row
    and column of the peak in pixels. Blocks without a peak hold 0 and place -1; a pixel beside a higher one of the next
    block is not a peak.
    """
    measures = np.zeros((4, *background.shape), np.float32)
    places = np.full((2, *background.shape), -1, np.int32)
    pixels = (read_only(masked.mask), masked.state)
    given = (background, blocks.peak, *blocks.likely[:2])
    zero = 0.0 if counts.dtype.kind == "f" else 0
    _find(counts, pixels, given, (*photons, zero), masked.block, (measures, places))
    return measures, places


Masked = tuple[NDArray[np.bool_], NDArray[np.uint8]]  # mask and state of MaskBlocks
Planes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64], NDArray[np.int64]]
"""background, peak, and the likely peaks that were looked at"""
Photons = tuple[
    float, float, float
]  # scale and shift of PhotonScale, and 0 of the type in which counts are added
Pixel = tuple[int, int, float]  # row, column and counts
Found = tuple[NDArray[np.float32], NDArray[np.int32]]  # measures, places


@njit(cache=True, nogil=True)
def _find(
    counts: NDArray[Any],
    masked: Masked,
    planes: Planes,
    photons: Photons,
    block: int,
    found: Found,
) -> None:
    background, peak, likely, starts = planes
    candidate = np.empty(background.shape[1], np.bool_)
    for cell_row in range(background.shape[0]):
        _mark_candidates(background[cell_row], peak[cell_row], photons, candidate)
        known, end = starts[cell_row], starts[cell_row + 1]
        for cell_col in range(candidate.size):
            if not candidate[cell_col]:
                continue
            while known < end and likely[known, 0] < cell_col:
                known += 1
            cell = (cell_row, cell_col)
            if known < end and likely[known, 0] == cell_col:
                pixel, windows = _seen_early(likely[known])
            else:
                pixel, windows = _look_at(counts, masked, peak[cell], cell, block, photons[2])
            if pixel[0] >= 0:
                _measure(cell, pixel, windows, background[cell], photons, found)


@njit(cache=True, nogil=True, inline="always")
def _seen_early(peak: NDArray[np.float64]) -> tuple[Pixel, Windows]:
    """Return one of the likely peaks."""
    pixel = (int(peak[1]), int(peak[2]), peak[3])
    return pixel, ((peak[4], int(peak[5])), (peak[6], int(peak[7])))


@njit(cache=True, nogil=True, inline="always")
def _look_at(
    counts: NDArray[Any], masked: Masked, peak: float, cell: tuple[int, int], block: int, zero: float
) -> tuple[Pixel, Windows]:
    """Return a block's highest pixel and its surroundings; row -1 where a neighbour is higher."""
    mask, state = masked
    row, column = place_in(counts, mask, peak, cell[0] * block, cell[1] * block, block)
    if row < 0 or is_shoulder(counts, mask, row, column):
        return (-1, -1, 0.0), ((0.0, 0), (0.0, 0))
    pixel = (row, column, float(counts[row, column]))
    if block >= REACH and surroundings_are_whole(state, cell[0], cell[1]):
        core, wide = sums_around(counts, row, column, zero)
        return pixel, ((core, 9), (wide, 49))
    return pixel, sums_beside_masked(counts, mask, row, column)


@njit(cache=True, nogil=True, inline="always")
def _measure(
    cell: tuple[int, int],
    pixel: Pixel,
    windows: Windows,
    background: float,
    photons: Photons,
    found: Found,
) -> None:
    """Fill the measures of a block."""
    measures, places = found
    core, wide = windows
    expected = max(background * photons[0] + photons[1], EMPTY)
    measures[0][cell] = _significance(core, expected, photons)
    measures[1][cell] = _significance((core[0] - pixel[2], core[1] - 1), expected, photons)
    measures[2][cell] = _significance((wide[0] - core[0], wide[1] - core[1]), expected, photons)
    measures[3][cell] = core[0] - core[1] * background
    places[0][cell], places[1][cell] = pixel[0], pixel[1]


@njit(cache=True, nogil=True, inline="always")
def _mark_candidates(
    background: NDArray[np.float32],
    peak: NDArray[np.float32],
    photons: Photons,
    candidate: NDArray[np.bool_],
) -> None:
    """Mark the cells of a row whose highest pixel is worth measuring, without a branch so that it vectorises."""
    scale, shift, _ = photons
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
def _significance(window: tuple[float, int], expected: float, photons: Photons) -> float:
    """Return the significance of counts in a number of pixels, 0 for none; ``expected`` is in photons a pixel."""
    total, pixels = window
    if pixels == 0:
        return 0.0
    return deviance(total * photons[0] + photons[1] * pixels, expected * pixels)
