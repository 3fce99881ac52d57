"""Reduce a frame to sums and maxima of blocks of k x k pixels, in one pass.

The frame is read once, k rows at a time. Sums and maxima are taken down each column as if no pixel were masked, which
the compiler vectorises, and then combined into blocks. The few blocks that a mask cuts are read again, pixel by pixel.
The noise is measured in a sample of the blocks while they are in the cache. Rows and columns beyond the last whole
block, fewer than k, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.contrast import contrast
from fedbragg.tasks.hits.prepare.correlation import correlation
from fedbragg.tasks.hits.prepare.mask_blocks import HIDDEN, WHOLE, MaskBlocks

UNROLLED_BLOCK = 8
"""The block size for which the compiler unrolls the loops."""
SAMPLED_BLOCKS = 3000
"""Blocks that give the gain within a few per cent; a frame has tens of thousands."""
CORRELATED = 8
"""One sampled block in this many gives the correlation of the noise."""
LARGEST_WHOLE = 2
"""Bytes of an unsigned count whose sums over a block are kept as whole numbers, which is faster than as floats."""


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Sums and maxima of every block of a frame. A block without a valid pixel has sum and peak 0."""

    valid: NDArray[np.float32]  # (cell rows, cell cols) number of pixels that are not masked
    total: NDArray[np.float32]  # (cell rows, cell cols) their counts
    peak: NDArray[np.float32]  # (cell rows, cell cols) the highest of them, or 0
    variance: NDArray[np.float64]  # (samples,) of 3 x 3 sums in every step-th block, in counts^2 a pixel
    correlation: NDArray[
        np.float64
    ]  # (samples // CORRELATED, 2) of neighbours along rows and columns; NaN: unknown
    step: int  # samples are the blocks step // 2, step // 2 + step ... in row order
    size: int  # pixels along a block's edge


def block_sums(counts: NDArray[Any], masked: MaskBlocks) -> Blocks:
    """Reduce ``counts`` (rows, cols) to the blocks of their mask."""
    shape, block = masked.valid.shape, masked.block
    step = max(1, shape[0] * shape[1] // SAMPLED_BLOCKS)
    total, peak = np.empty(shape, np.float32), np.empty(shape, np.float32)
    variance = np.empty(len(range(step // 2, shape[0] * shape[1], step)))
    correlated = np.empty((-(-variance.size // CORRELATED), 2))
    mask = (read_only(masked.mask), masked.state, masked.masked_cols, masked.starts)
    columns = _column_sums(counts.dtype, shape[1] * block)
    _reduce(counts, mask, (block, step), columns, (total, peak), (variance, correlated))
    return Blocks(masked.valid, total, peak, variance, correlated, step, block)


Masked = tuple[NDArray[np.bool_], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]
"""mask, state, masked_cols and starts of MaskBlocks"""
Planes = tuple[NDArray[np.float32], NDArray[np.float32]]  # total, peak of Blocks
Columns = tuple[NDArray[Any], NDArray[Any]]  # sum and maximum of each column
Noise = tuple[NDArray[np.float64], NDArray[np.float64]]  # variance, correlation of Blocks
Work = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""A block's pixels (block, block), and working memory of contrast and correlation."""


def _column_sums(counts: np.dtype[Any], width: int) -> Columns:
    if counts.kind == "u" and counts.itemsize <= LARGEST_WHOLE:
        return np.empty(width, np.uint32), np.empty(width, counts)
    return np.empty(width, np.float32), np.empty(width, np.float32)


@njit(cache=True, nogil=True, fastmath=True)
def _reduce(
    counts: NDArray[Any],
    masked: Masked,
    sizes: tuple[int, int],
    columns: Columns,
    result: Planes,
    noise: Noise,
) -> None:
    """Fill ``result`` and ``noise``; ``sizes`` are the block's edge and the step between sampled blocks."""
    total, peak = result
    block = sizes[0]
    work = (np.empty((block, block)), np.empty((block // 2, block // 2)), np.empty((block, block)))
    for row in range(total.shape[0]):
        if block == UNROLLED_BLOCK:
            _sum_columns(counts, row * block, UNROLLED_BLOCK, columns)
            _combine(columns, UNROLLED_BLOCK, total[row], peak[row])
            _cut_masked(counts, masked, row, UNROLLED_BLOCK, result)
        else:
            _sum_columns(counts, row * block, block, columns)
            _combine(columns, block, total[row], peak[row])
            _cut_masked(counts, masked, row, block, result)
        _sample(counts, masked[1], row, sizes, work, noise)


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _sum_columns(counts: NDArray[Any], top: int, block: int, columns: Columns) -> None:
    """Take the sum and maximum down each column of ``block`` rows, without a branch so that it vectorises."""
    sums, highest = columns
    for column in range(sums.size):
        total, most = sums.dtype.type(0), highest.dtype.type(0)
        for row in range(block):
            value = highest.dtype.type(counts[top + row, column])
            total = sums.dtype.type(total + sums.dtype.type(value))
            most = max(most, value)
        sums[column], highest[column] = total, most


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _combine(columns: Columns, block: int, total: NDArray[np.float32], peak: NDArray[np.float32]) -> None:
    """Combine every ``block`` columns into one block."""
    sums, highest = columns
    for cell in range(total.size):
        here, most = sums.dtype.type(0), highest.dtype.type(0)
        for column in range(cell * block, (cell + 1) * block):
            here = sums.dtype.type(here + sums[column])
            most = max(most, highest[column])
        total[cell], peak[cell] = here, most


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _cut_masked(counts: NDArray[Any], masked: Masked, row: int, block: int, result: Planes) -> None:
    """Sum the blocks of a row again that a mask covers or cuts."""
    mask, state, cols, starts = masked
    total, peak = result
    for place in range(starts[row], starts[row + 1]):
        col = cols[place]
        here, most = np.float32(0), np.float32(0)
        if state[row, col] != HIDDEN:
            for i in range(row * block, (row + 1) * block):
                for j in range(col * block, (col + 1) * block):
                    value = np.float32(0) if mask[i, j] else np.float32(counts[i, j])
                    here += value
                    most = max(most, value)
        total[row, col], peak[row, col] = here, most


@njit(cache=True, nogil=True)
def _sample(
    counts: NDArray[Any],
    state: NDArray[np.uint8],
    row: int,
    sizes: tuple[int, int],
    work: Work,
    noise: Noise,
) -> None:
    """Measure the noise in the sampled blocks of a row: every step-th of the frame.

    Not inlined: unknown correlations are NaN, which fast arithmetic does not allow.
    """
    block, step = sizes
    variance, correlated = noise
    cells = state.shape[1]
    for sample in range(max(row * cells - step // 2 + step - 1, 0) // step, variance.size):
        col = step // 2 + sample * step - row * cells
        if col >= cells:
            break
        for i in range(block):
            for j in range(block):
                work[0][i, j] = counts[row * block + i, col * block + j]
        variance[sample] = _contrast(work)
        if sample % CORRELATED == 0:
            along, across = _correlation(work) if state[row, col] == WHOLE else (np.nan, np.nan)
            correlated[sample // CORRELATED, 0], correlated[sample // CORRELATED, 1] = along, across


# Of pixels as floats, so that these two, with their unrolled loops, are compiled once and not for every type of counts.
@njit(cache=True, nogil=True)
def _contrast(work: Work) -> float:
    if work[0].shape[0] == UNROLLED_BLOCK:
        return contrast(work[0], UNROLLED_BLOCK // 2, work[1])
    return contrast(work[0], work[0].shape[0] // 2, work[1])


@njit(cache=True, nogil=True)
def _correlation(work: Work) -> tuple[float, float]:
    if work[0].shape[0] == UNROLLED_BLOCK:
        return correlation(work[0], UNROLLED_BLOCK, work[2])
    return correlation(work[0], work[0].shape[0], work[2])
