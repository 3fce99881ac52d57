"""The blocks of a frame that was reduced while it was decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.pixels import Blocks
from fedbragg.types import Frame


@dataclass(frozen=True, slots=True, eq=False)
class DecodedBlocks:
    """The blocks of a frame that has just been decoded, and what else is known of it."""

    blocks: Blocks
    level: NDArray[np.float64]  # (GROUPS,) sums of the groups of `level_sample`
    counts: NDArray[Any]  # (rows, cols)
    mask: NDArray[np.bool_]  # (rows, cols)

    def are_of(self, frame: Frame) -> bool:
        """Tell whether they are those of a frame as it is now."""
        if frame.mask is not self.mask:
            return False
        ours, theirs = (counts.__array_interface__ for counts in (self.counts, frame.counts))
        return all(ours[what] == theirs[what] for what in ("data", "shape", "strides", "typestr"))
