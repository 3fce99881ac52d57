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
from fedbragg.tasks.hits.prepare.contrast import EIGHT, contrast, contrast_of_eight
from fedbragg.tasks.hits.prepare.correlation import correlation
from fedbragg.tasks.hits.prepare.likely_peaks import Likely, look_at_row, no_likely_peaks
from fedbragg.tasks.hits.prepare.mask_blocks import HIDDEN, WHOLE, MaskBlocks

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
    likely: Likely  # peaks that were looked at while their pixels were in the cache
    step: int  # samples are the blocks step // 2, step // 2 + step ... in row order
    size: int  # pixels along a block's edge


def block_sums(counts: NDArray[Any], masked: MaskBlocks) -> Blocks:
    """Reduce ``counts`` (rows, cols) to the blocks of their mask."""
    rows = RowsOfBlocks.of(counts.dtype, masked)
    reduce = reduce_rows if masked.block == EIGHT else _reduce_any
    reduce(counts, (0, masked.valid.shape[0]), rows.given)
    return rows.blocks(masked)


Masked = tuple[
    NDArray[np.bool_], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], int, int, NDArray[np.float32]
]
"""mask, state, masked_cols, starts and block of MaskBlocks, the step between sampled blocks, and around"""
Columns = tuple[NDArray[Any], NDArray[Any], NDArray[Any], float]
"""Sum of each column, the maxima of those of the even and the odd row of blocks (2, cols), the sum of a block (1,), and
the highest count up to which a column's sum is right."""
Planes = tuple[NDArray[np.float32], NDArray[np.float32]]  # total, peak of Blocks
Noise = tuple[NDArray[np.float64], NDArray[np.float64]]  # variance, correlation of Blocks
Work = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""A block's pixels (block, block), and working memory of contrast and correlation."""
Given = tuple[Masked, Columns, Planes, Noise, Likely, float, Work]
"""The fields of RowsOfBlocks"""


@dataclass(frozen=True, slots=True, eq=False)
class RowsOfBlocks:
    """What `reduce_rows` is given, and fills, of one frame."""

    masked: Masked
    columns: Columns
    result: Planes
    noise: Noise
    likely: Likely
    zero: float  # of the type in which counts are added
    work: Work

    @staticmethod
    def of(counts: np.dtype[Any], masked: MaskBlocks) -> RowsOfBlocks:
        """Return empty results for a frame of this type and mask."""
        shape, block = masked.valid.shape, masked.block
        step = max(1, shape[0] * shape[1] // SAMPLED_BLOCKS)
        variance = np.empty(len(range(step // 2, shape[0] * shape[1], step)))
        correlated = np.empty((-(-variance.size // CORRELATED), 2))
        cut = (masked.state, masked.masked_cols, masked.starts)
        given = (read_only(masked.mask), *cut, block, step, masked.around)
        result = (np.empty(shape, np.float32), np.empty(shape, np.float32))
        columns, noise = _column_sums(counts, shape[1] * block, block), (variance, correlated)
        zero = 0.0 if counts.kind == "f" else 0  # whole numbers are added as such, in any order
        likely, work = no_likely_peaks(shape, block), _working_memory(block)
        return RowsOfBlocks(given, columns, result, noise, likely, zero, work)

    def blocks(self, masked: MaskBlocks) -> Blocks:
        """Return the blocks, once all rows are reduced."""
        made = (*self.result, *self.noise, self.likely)
        return Blocks(masked.valid, *made, step=self.masked[5], size=masked.block)

    @property
    def given(self) -> Given:
        """Return what compiled functions take."""
        return self.masked, self.columns, self.result, self.noise, self.likely, self.zero, self.work


def _column_sums(counts: np.dtype[Any], width: int, block: int) -> Columns:
    if counts.kind == "u" and counts.itemsize <= LARGEST_WHOLE:
        # Whole numbers of 16 bits, of which a vector register holds most; the few blocks that overflow are added again.
        limit = float(np.iinfo(np.uint16).max // block)
        return np.empty(width, np.uint16), np.empty((2, width), counts), np.empty(1, np.uint32), limit
    return np.empty(width, np.float32), np.empty((2, width), np.float32), np.empty(1, np.float32), np.inf


def _working_memory(block: int) -> Work:
    return np.empty((block, block)), np.empty((block // 2, block // 2)), np.empty((block, block))


# Called from Python for all rows, and from a compiled loop for one after the other: a function of its own for each
# would take a second more to compile.
@njit(cache=True, nogil=True, fastmath=False)
def reduce_rows(counts: NDArray[Any], rows: tuple[int, int], given: Given) -> None:
    """Reduce these rows of blocks of 8 x 8 pixels, and look at the likely peaks of those above; none below is read."""
    masked, columns, result, noise, likely, zero, work = given
    for row in range(rows[0], rows[1]):
        _add_row(counts, row, (masked, columns, result))
        _sample(counts, masked, row, work, noise, zero)
        if row > 0:
            beside = (masked[0], masked[1], masked[6])
            look_at_row(counts, beside, row - 1, (*result, columns[1]), likely, zero)


@njit(cache=True, nogil=True, fastmath=True)
def _reduce_any(counts: NDArray[Any], rows: tuple[int, int], given: Given) -> None:
    """Reduce rows of blocks of another size: apart, so that only who needs it compiles it."""
    masked, columns, result, noise, work = given[0], given[1], given[2], given[3], given[6]
    for row in range(rows[0], rows[1]):
        _sum_columns(counts, row, masked[4], columns)
        _combine(columns, row, masked[4], result)
        _cut_masked(counts, masked, row, masked[4], columns, result)
        _add_bright(counts, masked, row, masked[4], columns, result)
        _sample_any(counts, masked, row, work, noise)


@njit(cache=True, nogil=True, fastmath=True)
def _add_row(counts: NDArray[Any], row: int, given: tuple[Masked, Columns, Planes]) -> None:
    """Fill a row of blocks of 8 x 8 pixels."""
    masked, columns, result = given
    _sum_columns(counts, row, EIGHT, columns)
    _combine(columns, row, EIGHT, result)
    # The size as a number that LLVM does not know: else it unrolls loops in which no time is spent.
    _cut_masked(counts, masked, row, masked[4], columns, result)
    _add_bright(counts, masked, row, masked[4], columns, result)


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _sum_columns(counts: NDArray[Any], row: int, block: int, columns: Columns) -> None:
    """Take the sum and maximum down each column of ``block`` rows, without a branch so that it vectorises."""
    sums, highest = columns[0], columns[1][row % 2]
    for column in range(sums.size):
        total, most = sums.dtype.type(0), highest.dtype.type(0)
        for line in range(row * block, (row + 1) * block):
            value = highest.dtype.type(counts[line, column])
            total = sums.dtype.type(total + sums.dtype.type(value))
            most = max(most, value)
        sums[column], highest[column] = total, most


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _combine(columns: Columns, row: int, block: int, result: Planes) -> None:
    """Combine every ``block`` columns into one block."""
    sums, highest, wide = columns[0], columns[1][row % 2], columns[2]
    total, peak = result[0][row], result[1][row]
    for cell in range(total.size):
        here, most = wide.dtype.type(0), highest.dtype.type(0)
        for column in range(cell * block, (cell + 1) * block):
            here = wide.dtype.type(here + sums[column])
            most = max(most, highest[column])
        total[cell], peak[cell] = here, most


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _cut_masked(
    counts: NDArray[Any], masked: Masked, row: int, block: int, columns: Columns, result: Planes
) -> None:
    """Sum the blocks of a row again that a mask covers or cuts."""
    mask, state, cols, starts = masked[:4]
    highest, wide = columns[1].dtype, columns[2].dtype
    total, peak = result
    for place in range(starts[row], starts[row + 1]):
        col = cols[place]
        here, most = wide.type(0), highest.type(0)
        if state[row, col] != HIDDEN:
            for i in range(block):
                line = np.uintp(row * block + i)
                for j in range(block):
                    column = np.uintp(col * block + j)
                    value = highest.type(0) if mask[line, column] else highest.type(counts[line, column])
                    here = wide.type(here + wide.type(value))
                    most = max(most, value)
        total[row, col], peak[row, col] = here, most


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _add_bright(
    counts: NDArray[Any], masked: Masked, row: int, block: int, columns: Columns, result: Planes
) -> None:
    """Add the blocks of a row again in which the sum of a column may have overflowed."""
    total, peak = result
    wide = columns[2]
    brightest = np.float32(0)
    for col in range(total.shape[1]):
        brightest = max(brightest, peak[row, col])
    if brightest <= columns[3]:
        return
    for col in range(total.shape[1]):
        if peak[row, col] > columns[3] and masked[1][row, col] == WHOLE:
            here = wide.dtype.type(0)
            for i in range(row * block, (row + 1) * block):
                for j in range(col * block, (col + 1) * block):
                    here = wide.dtype.type(here + wide.dtype.type(counts[i, j]))
            total[row, col] = here


# Unless fastmath is written out, numba compiles a function as its first caller was compiled; and unknown correlations
# are NaN, which fast arithmetic does not allow.
@njit(cache=True, nogil=True, fastmath=False, inline="always")
def _sample(counts: NDArray[Any], masked: Masked, row: int, work: Work, noise: Noise, zero: float) -> None:
    """Measure the noise in the sampled blocks of a row of blocks of 8 x 8 pixels: every step-th of the frame."""
    cells, step = masked[1].shape[1], masked[5]
    for sample in range(_first_sample(row * cells, step), noise[0].size):
        col = step // 2 + sample * step - row * cells
        if col >= cells:
            break
        noise[0][sample] = contrast_of_eight(counts, row * EIGHT, col * EIGHT, zero)
        if sample % CORRELATED == 0:
            along, across = np.nan, np.nan
            if masked[1][row, col] == WHOLE:
                _copy_block(counts, row * EIGHT, col * EIGHT, work[0])
                along, across = _correlation(work[0], work[2])
            noise[1][sample // CORRELATED, 0], noise[1][sample // CORRELATED, 1] = along, across


@njit(cache=True, nogil=True, fastmath=False)
def _sample_any(counts: NDArray[Any], masked: Masked, row: int, work: Work, noise: Noise) -> None:
    """Measure the same in blocks of another size."""
    cells, block, step = masked[1].shape[1], masked[4], masked[5]
    for sample in range(_first_sample(row * cells, step), noise[0].size):
        col = step // 2 + sample * step - row * cells
        if col >= cells:
            break
        _copy_block(counts, row * block, col * block, work[0])
        noise[0][sample] = contrast(work[0], block // 2, work[1])
        if sample % CORRELATED == 0:
            along, across = np.nan, np.nan
            if masked[1][row, col] == WHOLE:
                along, across = correlation(work[0], block, work[2])
            noise[1][sample // CORRELATED, 0], noise[1][sample // CORRELATED, 1] = along, across


@njit(cache=True, nogil=True, inline="always")
def _first_sample(cell: int, step: int) -> int:
    """Return the number of the first sample from a cell on."""
    return max(cell - step // 2 + step - 1, 0) // step


@njit(cache=True, nogil=True, fastmath=False, inline="always")
def _copy_block(counts: NDArray[Any], top: int, left: int, pixels: NDArray[np.float64]) -> None:
    for i in range(pixels.shape[0]):
        for j in range(pixels.shape[1]):
            pixels[i, j] = counts[top + i, left + j]


# Of pixels as floats, so that this, with its unrolled loops, is compiled once and not for every type of counts.
@njit(cache=True, nogil=True, fastmath=False)
def _correlation(pixels: NDArray[np.float64], work: NDArray[np.float64]) -> tuple[float, float]:
    return correlation(pixels, EIGHT, work)
