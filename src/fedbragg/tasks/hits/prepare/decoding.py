"""Reduce a frame to blocks while it is decoded: each row of blocks when its pixels are still in the processor's cache.

A decoded frame is larger than the cache, so a pass over it afterwards waits for the memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.images.codecs.bitshuffle import begin, decode_until, end
from fedbragg.images.packed_frame import PackedFrame
from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.contrast import EIGHT
from fedbragg.tasks.hits.prepare.decoded_blocks import DecodedBlocks
from fedbragg.tasks.hits.prepare.mask_blocks import MaskBlocks
from fedbragg.tasks.hits.prepare.pixels import (
    Given,
    RowsOfBlocks,
    reduce_row,
    working_memory,
)

Packed = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], int, bool]
"""The chunk, the counts' bytes, and expected, high and zstd of `decode_bitshuffle`."""


@dataclass(frozen=True, slots=True)
class BlockReducer:
    """Decodes frames and reduces them to blocks of 8 x 8 pixels; see `fedbragg.images.packed_frame.Reduce`."""

    masks: Callable[[NDArray[np.bool_], int], MaskBlocks]

    def __call__(self, packed: PackedFrame, mask: NDArray[np.bool_]) -> tuple[int, DecodedBlocks]:
        """Decode a frame whose mask is probably ``mask`` (rows, cols); return the decoder's result and the blocks."""
        masked, counts = self.masks(mask, EIGHT), packed.counts
        rows = RowsOfBlocks.of(counts.dtype, masked)
        memory = counts.reshape(-1).view(np.uint8)
        given = (read_only(packed.chunk), memory, read_only(packed.expected), packed.high, packed.zstd)
        state = _decode_and_reduce(given, read_only(counts), rows.given)
        return int(state), DecodedBlocks(rows.blocks(masked), counts, mask)


@njit(cache=True, nogil=True)
def _decode_and_reduce(packed: Packed, counts: NDArray[Any], given: Given) -> int:
    """Fill ``counts`` and what ``given`` holds; return the result of `decode_bitshuffle`."""
    chunk, out, expected, high, zstd = packed
    width, rows = counts.itemsize, given[2][0].shape[0]
    row_bytes = EIGHT * counts.shape[1] * width
    decoding, progress = begin(chunk, out, width, expected, high, zstd)
    work = working_memory(EIGHT)
    packed_rows = min(rows, out.size // (8 * width) * (8 * width) // row_bytes)
    for row in range(packed_rows):
        progress = decode_until(decoding, progress, (row + 1) * row_bytes)
        if progress.position < 0:
            return end(decoding, progress)
        reduce_row(counts, row, work, given)
    state = end(decoding, decode_until(decoding, progress, out.size))
    for row in range(packed_rows, rows):  # the last row may end with elements that are stored unpacked
        reduce_row(counts, row, work, given)
    return state
