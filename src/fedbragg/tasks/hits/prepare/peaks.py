"""Find the most significant peak of every block by its Poisson significance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.channels import empty_channels, take_logarithms
from fedbragg.tasks.hits.prepare.likely_peaks import (
    REACH,
    Windows,
    has_higher_neighbour,
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


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """The significant peaks of a frame, before a model decides which are spots; a block has one at most."""

    cells: NDArray[np.int64]  # (peaks, 2) row and column of the block, in row order
    places: NDArray[np.int64]  # (peaks, 2) row and column in pixels
    significance: NDArray[np.float32]  # (peaks,) standard deviations
    intensity: NDArray[np.float32]  # (peaks,) counts above the background


def find_peaks(
    counts: NDArray[Any],
    masked: MaskBlocks,
    background: NDArray[np.float32],
    blocks: Blocks,
    photons: tuple[float, float],
    least: float,
) -> tuple[NDArray[np.float32], Peaks]:
    """Measure the highest pixel of every block; return the channels of a View, and the peaks above ``least``.

    ``background`` (cell rows, cell cols) is in counts a pixel; ``photons`` is scale and shift of `PhotonScale`;
    ``least`` is in standard deviations. A peak's measures are the significance of the 3 x 3 pixels around it, of its 8
    neighbours alone (low for a zinger) and of the rim from there to 7 x 7 (high for a ring or an edge). A pixel beside
    a higher one of the next block is not a peak.
    """
    channels = empty_channels(masked)
    cells, places = np.empty((2, background.size, 2), np.int64)
    strengths = np.empty((background.size, 2), np.float32)
    pixels = (read_only(masked.mask), masked.state)
    given = (background, blocks.peak, *blocks.likely[:2])
    limits = (*photons, 0.0 if counts.dtype.kind == "f" else 0, least)
    number = _find(counts, pixels, given, limits, masked.block, (channels, cells, places, strengths))
    significance, intensity = strengths[:number].T.copy()
    return channels, Peaks(cells[:number].copy(), places[:number].copy(), significance, intensity)


Masked = tuple[NDArray[np.bool_], NDArray[np.uint8]]  # mask and state of MaskBlocks
Planes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64], NDArray[np.int64]]
"""background, peak, and the likely peaks that were looked at"""
Limits = tuple[float, float, float, float]
"""Scale and shift of PhotonScale, 0 of the type in which counts are added, and the significance of a listed peak"""
Pixel = tuple[int, int, float]  # row, column and counts
Found = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""Channels, and memory for cells, places and (significance, intensity) of a peak in every block"""


@njit(cache=True, nogil=True)
def _find(
    counts: NDArray[Any],
    masked: Masked,
    planes: Planes,
    limits: Limits,
    block: int,
    found: Found,
) -> int:
    """Fill ``found``; return the number of listed peaks."""
    background, peak, likely, starts = planes
    candidate = np.empty(background.shape[1], np.bool_)
    number = 0
    for cell_row in range(background.shape[0]):
        _mark_candidates(background[cell_row], peak[cell_row], limits, candidate)
        known, end = starts[cell_row], starts[cell_row + 1]
        for cell_col in range(candidate.size):
            if not candidate[cell_col]:
                continue
            while known < end and likely[known, 0] < cell_col:
                known += 1
            cell = (cell_row, cell_col)
            if known < end and likely[known, 0] == cell_col:
                look = _seen_early(likely[known])
            else:
                look = _look_at(counts, masked, peak[cell], cell, block, limits[2])
            if look[0][0] >= 0:
                number = _measure(cell, look, background[cell], limits, number, found)
    return number


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
    whole = block >= REACH and surroundings_are_whole(state, cell[0], cell[1])
    if row < 0 or (
        has_higher_neighbour(counts, row, column) if whole else is_shoulder(counts, mask, row, column)
    ):
        return (-1, -1, 0.0), ((0.0, 0), (0.0, 0))
    pixel = (row, column, float(counts[row, column]))
    if whole:
        core, wide = sums_around(counts, row, column, zero)
        return pixel, ((core, 9), (wide, 49))
    return pixel, sums_beside_masked(counts, mask, row, column)


@njit(cache=True, nogil=True, inline="always")
def _measure(
    cell: tuple[int, int],
    look: tuple[Pixel, Windows],
    background: float,
    limits: Limits,
    number: int,
    found: Found,
) -> int:
    """Fill the channels of a block, and list its peak if it is significant; return the number of listed ones."""
    channels, cells, places, strengths = found
    pixel, (core, wide) = look
    expected = max(background * limits[0] + limits[1], EMPTY)
    significance = np.float32(_significance(core, expected, limits))
    if significance > 0:
        wings = _significance((core[0] - pixel[2], core[1] - 1), expected, limits)
        rim = _significance((wide[0] - core[0], wide[1] - core[1]), expected, limits)
        take_logarithms(significance, np.float32(wings), np.float32(rim), cell, channels)
    if significance > limits[3]:
        cells[number, 0], cells[number, 1] = cell
        places[number, 0], places[number, 1] = pixel[0], pixel[1]
        strengths[number, 0], strengths[number, 1] = significance, core[0] - core[1] * background
        number += 1
    return number


@njit(cache=True, nogil=True, inline="always")
def _mark_candidates(
    background: NDArray[np.float32],
    peak: NDArray[np.float32],
    limits: Limits,
    candidate: NDArray[np.bool_],
) -> None:
    """Mark the cells of a row whose highest pixel is worth measuring, without a branch so that it vectorises."""
    scale, shift = limits[0], limits[1]
    for cell in range(candidate.size):
        expected = max(background[cell] * scale + shift, EMPTY)
        highest = peak[cell] * scale + shift
        # Adding 1.1 photons reproduces the deviance's limit from 0.02 to 10,000 photons without a logarithm.
        candidate[cell] = highest >= expected + 1.1 + CANDIDATE * math.sqrt(expected)


@njit(cache=True, nogil=True)
def _significance(window: tuple[float, int], expected: float, limits: Limits) -> float:
    """Return the significance of counts in a number of pixels, 0 for none; ``expected`` is in photons a pixel."""
    total, pixels = window
    if pixels == 0:
        return 0.0
    return deviance(total * limits[0] + limits[1] * pixels, expected * pixels)
