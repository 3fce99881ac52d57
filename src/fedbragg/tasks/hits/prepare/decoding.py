"""Reduce a frame to blocks while it is decoded: each row of blocks when its pixels are still in the processor's cache.

A decoded frame is larger than the cache, so a pass over it afterwards waits for the memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.images.codecs.bitshuffle import Decoding, Progress, begin, decode_until, end
from fedbragg.images.packed_frame import PackedFrame
from fedbragg.per_mask import PerMask
from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.contrast import EIGHT
from fedbragg.tasks.hits.prepare.decoded_blocks import DecodedBlocks
from fedbragg.tasks.hits.prepare.level_sample import (
    GROUPS,
    LevelSample,
    Sampled,
    add_to_groups,
    level_sample,
)
from fedbragg.tasks.hits.prepare.mask_blocks import MaskBlocks
from fedbragg.tasks.hits.prepare.pixels import Given, RowsOfBlocks, reduce_rows


@dataclass(frozen=True, slots=True)
class BlockReducer:
    """Decodes frames and reduces them to blocks of 8 x 8 pixels; see `fedbragg.images.packed_frame.Reduce`."""

    masks: Callable[[NDArray[np.bool_], int], MaskBlocks]
    samples: PerMask[LevelSample] = field(default_factory=lambda: PerMask(level_sample))

    def __call__(self, packed: PackedFrame, mask: NDArray[np.bool_]) -> tuple[int, DecodedBlocks]:
        """Decode a frame whose mask is probably ``mask`` (rows, cols); return the decoder's result and the blocks."""
        masked, counts = self.masks(mask, EIGHT), packed.counts
        rows = RowsOfBlocks.of(counts.dtype, masked)
        memory = counts.reshape(-1).view(np.uint8)
        level = np.zeros(GROUPS)
        checked = (read_only(packed.expected), packed.high, packed.zstd)
        decoding, progress = begin(read_only(packed.chunk), memory, counts.itemsize, *checked)
        sample = (self.samples(mask).given, level)
        progress = _decode_and_reduce(decoding, progress, read_only(counts), rows.given, sample)
        return end(decoding, progress), DecodedBlocks(rows.blocks(masked), level, counts, mask)


@njit(cache=True, nogil=True)
def _decode_and_reduce(
    decoding: Decoding,
    progress: Progress,
    counts: NDArray[Any],
    given: Given,
    sample: tuple[Sampled, NDArray[np.float64]],
) -> Progress:
    """Fill ``counts``, whose bytes ``decoding`` holds, what ``given`` holds and the sums of the sample.

    It ends at once where the chunk is damaged.
    """
    out, rows, row_bytes = decoding[1], given[2][0].shape[0], EIGHT * counts.shape[1] * counts.itemsize
    flat = counts.reshape(counts.size)
    for row in range(rows + 1):  # the last time for the rows of pixels below the last block
        wanted, below = (row + 1) * row_bytes, (row + 1) * EIGHT
        if row == rows:
            wanted, below = out.size, counts.shape[0]
        progress = decode_until(decoding, progress, wanted)
        if progress[0] < 0:
            break
        if row < rows:
            reduce_rows(counts, (row, row + 1), given)
        add_to_groups(flat, sample[0], row * EIGHT, below, sample[1])
    return progress
