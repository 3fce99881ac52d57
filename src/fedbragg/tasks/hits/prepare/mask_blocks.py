"""Which blocks of a frame are masked: the same for all frames that share a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.per_mask import PerMask
from fedbragg.read_only import read_only

WHOLE, PARTLY, HIDDEN = 0, 1, 2
"""A block without a masked pixel, with some, with nothing else."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskBlocks:
    """The blocks of a mask. Read-only, because frames share them."""

    mask: NDArray[np.bool_]  # (rows, cols) True = ignore
    valid: NDArray[np.float32]  # (cell rows, cell cols) number of pixels that are not masked
    hidden_share: NDArray[np.float32]  # (cell rows, cell cols) share of the pixels that are masked
    around: NDArray[
        np.float32
    ]  # (cell rows, cell cols) 1 / pixels that are not masked in 3 x 3 blocks; 0: no other
    state: NDArray[np.uint8]  # (cell rows, cell cols) WHOLE, PARTLY or HIDDEN
    masked_cols: NDArray[np.int64]  # (cells,) columns of those that are not WHOLE, in row order
    starts: NDArray[np.int64]  # (cell rows + 1,) where each row of cells begins among them
    block: int  # pixels along a block's edge


def blocks_of_mask(mask: NDArray[np.bool_], block: int) -> MaskBlocks:
    """Return the blocks of ``block`` x ``block`` pixels of a mask (rows, cols)."""
    shape = (mask.shape[0] // block, mask.shape[1] // block)
    valid, state = np.empty(shape, np.float32), np.empty(shape, np.uint8)
    _count(read_only(mask), block, valid, state)
    rows, cols = np.nonzero(state)
    cols = np.ascontiguousarray(
        cols
    )  # as it is where no block is masked: numba compiles once more for another layout
    starts = np.searchsorted(rows, np.arange(shape[0] + 1))
    share = np.float32(1) - valid * np.float32(1 / block**2)
    around = _share_of_three(valid)
    valid, share, around, state, cols, starts = map(read_only, (valid, share, around, state, cols, starts))
    return MaskBlocks(mask, valid, share, around, state, cols, starts, block)


def _share_of_three(valid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 over the number of valid pixels in 3 x 3 blocks, 0 where there is none."""
    beside = np.pad(valid, 1)
    rows = beside[:-2] + beside[1:-1] + beside[2:]
    around = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    share = np.zeros(valid.shape, np.float32)
    np.divide(1, around, out=share, where=around > 0)
    return share


def mask_block_cache() -> PerMask[MaskBlocks]:
    """Return `blocks_of_mask`, remembered for the latest masks."""
    return PerMask(blocks_of_mask)


@njit(cache=True, nogil=True)
def _count(mask: NDArray[np.bool_], block: int, valid: NDArray[np.float32], state: NDArray[np.uint8]) -> None:
    for row in range(valid.shape[0]):
        for col in range(valid.shape[1]):
            hidden = 0
            for i in range(row * block, (row + 1) * block):
                for j in range(col * block, (col + 1) * block):
                    hidden += mask[i, j]
            valid[row, col] = block * block - hidden
            state[row, col] = WHOLE if hidden == 0 else (HIDDEN if hidden == block * block else PARTLY)
