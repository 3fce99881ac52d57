"""Reduce a frame to sums and maxima of blocks of k x k pixels, in one pass.

The frame is read once, k rows at a time. Sums and maxima are taken down each column, which the compiler vectorises, and
then combined into blocks. The noise is measured in a sample of the blocks while they are in the cache. Rows and columns
beyond the last whole block, fewer than k, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.contrast import contrast
from fedbragg.tasks.hits.prepare.correlation import correlation

UNROLLED_BLOCK = 8
"""The block size for which the compiler unrolls the loops."""
SAMPLED_BLOCKS = 3000
"""Blocks that give the gain within a few per cent; a frame has tens of thousands."""
CORRELATED = 8
"""One sampled block in this many gives the correlation of the noise."""


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


def block_sums(counts: NDArray[Any], mask: NDArray[np.bool_], block: int) -> Blocks:
    """Reduce ``counts`` under ``mask``, both (rows, cols), to blocks of ``block`` x ``block`` pixels."""
    shape = (counts.shape[0] // block, counts.shape[1] // block)
    step = max(1, shape[0] * shape[1] // SAMPLED_BLOCKS)
    valid, total, peak = (np.empty(shape, np.float32) for _ in range(3))
    variance = np.empty(len(range(step // 2, shape[0] * shape[1], step)))
    correlated = np.empty((-(-variance.size // CORRELATED), 2))
    _reduce(counts, mask, block, (valid, total, peak), (variance, correlated), step)
    return Blocks(valid, total, peak, variance, correlated, step, block)


Planes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]  # valid, total, peak of Blocks
Noise = tuple[NDArray[np.float64], NDArray[np.float64]]  # variance, correlation of Blocks
Columns = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]  # masked, sum, maximum of each


@njit(cache=True, nogil=True, fastmath=True)
def _reduce(
    counts: NDArray[Any],
    mask: NDArray[np.bool_],
    block: int,
    result: Planes,
    noise: Noise,
    step: int,
) -> None:
    valid, total, peak = result
    variance, correlated = noise
    cell_rows, cell_cols = valid.shape
    width = cell_cols * block
    columns = (np.empty(width, np.uint8), np.empty(width, np.float32), np.empty(width, np.float32))
    work, square = np.empty((block // 2, block // 2)), np.empty((block, block))
    sample = 0
    for row in range(cell_rows):
        top = row * block
        if block == UNROLLED_BLOCK:
            _sum_columns(counts, mask, top, UNROLLED_BLOCK, columns)
            _combine(columns, UNROLLED_BLOCK, valid[row], total[row], peak[row])
        else:
            _sum_columns(counts, mask, top, block, columns)
            _combine(columns, block, valid[row], total[row], peak[row])
        while sample < variance.size and step // 2 + sample * step < (row + 1) * cell_cols:
            left = (step // 2 + sample * step - row * cell_cols) * block
            variance[sample] = contrast(counts, top, left, work)
            if sample % CORRELATED == 0:
                found = correlation(counts, mask, top, left, square)
                correlated[sample // CORRELATED, 0], correlated[sample // CORRELATED, 1] = found
            sample += 1


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _sum_columns(
    counts: NDArray[Any], mask: NDArray[np.bool_], top: int, block: int, columns: Columns
) -> None:
    """Take the sum and maximum down each column of ``block`` rows, without a branch so that it vectorises."""
    masked, sums, highest = columns
    for column in range(masked.size):
        hidden, total, most = np.uint8(0), np.float32(0), np.float32(0)
        for row in range(block):
            value = np.float32(counts[top + row, column]) * (
                np.float32(1) - np.float32(mask[top + row, column])
            )
            hidden += np.uint8(mask[top + row, column])
            total += value
            most = max(most, value)
        masked[column], sums[column], highest[column] = hidden, total, most


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _combine(
    columns: Columns,
    block: int,
    valid: NDArray[np.float32],
    total: NDArray[np.float32],
    peak: NDArray[np.float32],
) -> None:
    """Combine every ``block`` columns into one block."""
    masked, sums, highest = columns
    for cell in range(valid.size):
        hidden, here, most = 0, np.float32(0), np.float32(0)
        for column in range(cell * block, (cell + 1) * block):
            hidden += masked[column]
            here += sums[column]
            most = max(most, highest[column])
        valid[cell], total[cell], peak[cell] = block * block - hidden, here, most
