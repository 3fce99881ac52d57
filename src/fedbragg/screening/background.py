"""A frame's background level: one number in the detector's own counts, computed for every frame.

It comes from the counts, not from the View: the View does not depend on gain, offset and exposure, which may drift.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.per_mask import PerMask
from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.decoded_blocks import DecodedBlocks
from fedbragg.tasks.hits.prepare.level_sample import (
    GROUPS,
    LevelSample,
    add_to_groups,
    level_sample,
    median_of_means,
)
from fedbragg.types import Frame


class BackgroundLevel:
    """Takes the level of frames; which pixels are sampled is found once for frames that share a mask."""

    def __init__(self) -> None:
        self._samples = PerMask(level_sample)

    def __call__(self, frame: Frame) -> float | None:
        """Return counts a pixel as the median of means of a sample of the unmasked pixels; None where all are masked.

        The level has four significant digits, as tables do, so that it is the same when it is read from a table.
        """
        sample = self._samples(frame.mask)
        if not sample.pixels.size:
            return None
        return float(f"{median_of_means(_sums(frame, sample), sample.pixels.size):.4g}")


def background_level(frame: Frame) -> float | None:
    """Return the level of a single frame."""
    return BackgroundLevel()(frame)


def _sums(frame: Frame, sample: LevelSample) -> NDArray[np.float64]:
    """Return the sums of the sample's groups (GROUPS,), which were made already of a frame reduced while decoded."""
    made = frame.reduced
    if isinstance(made, DecodedBlocks) and made.are_of(frame):
        return made.level
    total = np.zeros(GROUPS)
    add_to_groups(read_only(frame.counts.reshape(-1)), sample.given, 0, len(frame.counts), total)
    return total
