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

from fedbragg.images.codecs.bitshuffle import Decoding, Progress, begin, decode_until, end
from fedbragg.images.packed_frame import PackedFrame
from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.contrast import EIGHT
from fedbragg.tasks.hits.prepare.decoded_blocks import DecodedBlocks
from fedbragg.tasks.hits.prepare.mask_blocks import MaskBlocks
from fedbragg.tasks.hits.prepare.pixels import Given, RowsOfBlocks, reduce_rows


@dataclass(frozen=True, slots=True)
class BlockReducer:
    """Decodes frames and reduces them to blocks of 8 x 8 pixels; see `fedbragg.images.packed_frame.Reduce`."""

    masks: Callable[[NDArray[np.bool_], int], MaskBlocks]

    def __call__(self, packed: PackedFrame, mask: NDArray[np.bool_]) -> tuple[int, DecodedBlocks]:
        """Decode a frame whose mask is probably ``mask`` (rows, cols); return the decoder's result and the blocks."""
        masked, counts = self.masks(mask, EIGHT), packed.counts
        rows = RowsOfBlocks.of(counts.dtype, masked)
        memory = counts.reshape(-1).view(np.uint8)
        checked = (read_only(packed.expected), packed.high, packed.zstd)
        decoding, progress = begin(read_only(packed.chunk), memory, counts.itemsize, *checked)
        progress = _decode_and_reduce(decoding, progress, read_only(counts), rows.given)
        return end(decoding, progress), DecodedBlocks(rows.blocks(masked), counts, mask)


@njit(cache=True, nogil=True)
def _decode_and_reduce(
    decoding: Decoding, progress: Progress, counts: NDArray[Any], given: Given
) -> Progress:
    """Fill ``counts``, whose bytes ``decoding`` holds, and what ``given`` holds, unless the chunk is damaged."""
    out, rows, row_bytes = decoding[1], given[2][0].shape[0], EIGHT * counts.shape[1] * counts.itemsize
    for row in range(rows + 1):  # the last time for the rows of pixels below the last block
        wanted = (row + 1) * row_bytes if row < rows else out.size
        progress = decode_until(decoding, progress, wanted)
        if progress[0] < 0:
            break
        if row < rows:
            reduce_rows(counts, (row, row + 1), given)
    return progress
