"""The blocks of a frame that was reduced while it was decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.mask_blocks import MaskBlocks
from fedbragg.tasks.hits.prepare.pixels import Blocks
from fedbragg.types import Frame


@dataclass(frozen=True, slots=True, eq=False)
class DecodedBlocks:
    """The blocks of a frame that has just been decoded, and what they are of."""

    blocks: Blocks
    counts: NDArray[Any]  # (rows, cols)
    mask: NDArray[np.bool_]  # (rows, cols)

    def are_of(self, frame: Frame, masked: MaskBlocks) -> bool:
        """Tell whether they are the blocks of a frame as it is now, with the blocks of its mask."""
        if masked.mask is not self.mask or masked.block != self.blocks.size:
            return False
        ours, theirs = (counts.__array_interface__ for counts in (self.counts, frame.counts))
        return all(ours[what] == theirs[what] for what in ("data", "shape", "strides", "typestr"))
