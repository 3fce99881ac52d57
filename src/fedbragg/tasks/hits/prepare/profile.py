"""The shape of a peak: how its photons are distributed over 7 x 7 pixels.

A Bragg spot is the blurred image of a crystal and falls off evenly to all sides within a pixel or two. A zinger in one
pixel has no sides, a track has some and lacks others, a grain of a powder ring is stretched along the ring, an edge has
only one side. The numbers are relative to the peak's own pixel, so they describe shape rather than strength. They are
sorted, or along principal axes, so quarter turns and mirror images do not change them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.likely_peaks import surroundings_are_whole
from fedbragg.tasks.hits.prepare.mask_blocks import MaskBlocks

PROFILE = (
    "side 1", "side 2", "side 3", "side 4", "corner 1", "corner 2", "corner 3", "corner 4",
    "within 3", "within 5", "within 7", "long", "short", "height", "masked",
)  # fmt: skip
"""The numbers of a peak, in order. Photons are counted above the mean of the outermost shell of 7 x 7:

side 1..4         photons of the four pixels beside the peak over the peak's own, in rising order
corner 1..4       the same for the four pixels at its corners
within 3, 5, 7    ln of the photons in 3 x 3, 5 x 5 and 7 x 7 pixels over the peak's own
long, short       standard deviations of the photons along their principal axes, in pixels
height            ln(1 + photons of the peak's own pixel)
masked            share of the 7 x 7 pixels that are masked or beyond the frame
"""
REACH = 3
EDGE = 2 * REACH + 1
LEAST_HEIGHT = 1e-3
"""Photons: the lowest height of a peak, where its rim is as high as the peak itself."""
LARGEST = 8.0
"""Every number is clipped to this, because ratios to a dark pixel diverge."""


def profiles_of(
    counts: NDArray[Any], masked: MaskBlocks, places: NDArray[np.int64], photons: tuple[float, float]
) -> NDArray[np.float32]:
    """Return the profiles (peaks, 15) of the peaks at row and column (peaks, 2)."""
    result = np.empty((len(places), len(PROFILE)), np.float32)
    _describe_all(counts, (read_only(masked.mask), masked.state, masked.block), places, photons, result)
    return result


Masked = tuple[NDArray[np.bool_], NDArray[np.uint8], int]  # mask, state and block of MaskBlocks


@njit(cache=True, nogil=True)
def _describe_all(
    counts: NDArray[Any],
    masked: Masked,
    places: NDArray[np.int64],
    photons: tuple[float, float],
    result: NDArray[np.float32],
) -> None:
    mask, state, block = masked
    patch = np.empty((EDGE, EDGE))
    for peak in range(places.shape[0]):
        row, column = places[peak]
        hidden = 0
        # Where all blocks around are whole, the mask is not read: it would have to come from memory.
        if block >= REACH and surroundings_are_whole(state, row // block, column // block):
            _cut_clear(counts, row, column, photons, patch)
        else:
            hidden = _cut(counts, mask, row, column, photons, patch)
        _describe(patch, hidden, result[peak])


@njit(cache=True, nogil=True, inline="always")
def _cut(
    counts: NDArray[Any],
    mask: NDArray[np.bool_],
    row: int,
    column: int,
    photons: tuple[float, float],
    patch: NDArray[np.float64],
) -> int:
    """Fill ``patch`` (7, 7) with the photons above the rim around a pixel; return the number of masked pixels."""
    rows, cols = counts.shape
    inside = REACH <= row < rows - REACH and REACH <= column < cols - REACH
    if inside and not _any_masked(mask, row, column):
        _cut_clear(counts, row, column, photons, patch)
        return 0
    # LLVM unrolls loops over a number that it knows, which is worth its time only where no pixel is masked.
    shell, shell_pixels, masked, edge = 0.0, 0, 0, patch.shape[0]
    for i in range(edge):
        for j in range(edge):
            y, x = row + i - REACH, column + j - REACH
            if y < 0 or x < 0 or y >= rows or x >= cols or mask[y, x]:
                patch[i, j] = -np.inf
                masked += 1
                continue
            patch[i, j] = float(counts[y, x]) * photons[0] + photons[1]
            if i == 0 or j == 0 or i == edge - 1 or j == edge - 1:
                shell += patch[i, j]
                shell_pixels += 1
    level = shell / max(shell_pixels, 1)
    for i in range(edge):
        for j in range(edge):
            patch[i, j] = max(patch[i, j] - level, 0.0)
    return masked


# Unsigned numbers as indices: the compiler need not care for negative ones, which count from the end.
@njit(cache=True, nogil=True, inline="always")
def _any_masked(mask: NDArray[np.bool_], row: int, column: int) -> bool:
    found = False
    for i in range(row - REACH, row + REACH + 1):
        for j in range(column - REACH, column + REACH + 1):
            found |= mask[np.uintp(i), np.uintp(j)]
    return found


@njit(cache=True, nogil=True, inline="always")
def _cut_clear(
    counts: NDArray[Any], row: int, column: int, photons: tuple[float, float], patch: NDArray[np.float64]
) -> None:
    """Fill ``patch`` where no pixel is masked or beyond the frame; the shell is added in the same order."""
    shell = 0.0
    for i in range(EDGE):
        for j in range(EDGE):
            at = (np.uintp(row + i - REACH), np.uintp(column + j - REACH))
            value = float(counts[at]) * photons[0] + photons[1]
            patch[np.uintp(i), np.uintp(j)] = value
            if i == 0 or j == 0 or i == EDGE - 1 or j == EDGE - 1:
                shell += value
    level = shell / (EDGE * EDGE - (EDGE - 2) * (EDGE - 2))
    for i in range(EDGE):
        for j in range(EDGE):
            patch[np.uintp(i), np.uintp(j)] = max(patch[np.uintp(i), np.uintp(j)] - level, 0.0)


@njit(cache=True, nogil=True, inline="always")
def _describe(patch: NDArray[np.float64], masked: int, result: NDArray[np.float32]) -> None:
    """Fill ``result`` (15,) with the numbers that ``PROFILE`` names."""
    middle = REACH
    own = max(patch[middle, middle], LEAST_HEIGHT)
    sides = (
        patch[middle - 1, middle],
        patch[middle + 1, middle],
        patch[middle, middle - 1],
        patch[middle, middle + 1],
    )
    corners = (
        patch[middle - 1, middle - 1],
        patch[middle + 1, middle + 1],
        patch[middle - 1, middle + 1],
        patch[middle + 1, middle - 1],
    )
    result[0], result[1], result[2], result[3] = _sorted4(sides)
    result[4], result[5], result[6], result[7] = _sorted4(corners)
    for k in range(8):
        result[k] /= own
    for reach in range(1, 4):
        inside = 0.0  # in loops, which numba compiles to less than a sum over a slice
        for i in range(middle - reach, middle + reach + 1):
            for j in range(middle - reach, middle + reach + 1):
                inside += patch[np.uintp(i), np.uintp(j)]
        result[7 + reach] = math.log(max(inside / own, 1.0))
    result[11], result[12] = _axes(patch)
    result[13] = math.log1p(own)
    result[14] = masked / (EDGE * EDGE)
    for k in range(result.size):
        result[k] = min(result[k], LARGEST)


@njit(cache=True, nogil=True)
def _sorted4(values: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Sort four numbers with five comparisons."""
    a, b, c, d = values
    a, b = min(a, b), max(a, b)
    c, d = min(c, d), max(c, d)
    a, c = min(a, c), max(a, c)
    b, d = min(b, d), max(b, d)
    return a, min(b, c), max(b, c), d


@njit(cache=True, nogil=True, inline="always")
def _axes(patch: NDArray[np.float64]) -> tuple[float, float]:
    """Return the standard deviations of the photons along their long and short axis, in pixels."""
    total, x, y, xx, yy, xy = LEAST_HEIGHT, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(EDGE):
        for j in range(EDGE):
            weight, down, right = patch[i, j], i - REACH, j - REACH
            total += weight
            x += weight * right
            y += weight * down
            xx += weight * right * right
            yy += weight * down * down
            xy += weight * right * down
    xx, yy, xy = xx / total - (x / total) ** 2, yy / total - (y / total) ** 2, xy / total - x * y / total**2
    half = (xx + yy) / 2
    apart = math.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
    return math.sqrt(max(half + apart, 0.0)), math.sqrt(max(half - apart, 0.0))
