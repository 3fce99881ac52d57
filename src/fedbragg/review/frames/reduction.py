"""Reduce a part of a frame: each block of pixels becomes its highest valid count, so that spots survive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.types import Frame

VALID, MASKED, SATURATED = 0, 1, 2
"""State of a pixel, or of a block: saturated if any pixel is, masked if all are."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a frame, and how much it is reduced."""

    top: int  # pixel, the first row
    left: int  # pixel
    rows: int  # pixels
    cols: int  # pixels
    step: int  # pixels along a block's edge

    def inside(self, shape: tuple[int, ...]) -> Region:
        """Return the part of the region that lies in a frame of this shape; it may be empty."""
        top, left = min(max(self.top, 0), shape[0]), min(max(self.left, 0), shape[1])
        rows = max(0, min(self.top + self.rows, shape[0]) - top)
        cols = max(0, min(self.left + self.cols, shape[1]) - left)
        return Region(top, left, rows, cols, self.step)

    @property
    def blocks(self) -> tuple[int, int]:
        """Return the rows and columns of blocks; those at the end may be cut off."""
        return -(-self.rows // self.step), -(-self.cols // self.step)


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """The blocks of a region."""

    region: Region  # inside the frame
    highest: NDArray[
        Any
    ]  # (block rows, block cols) of the counts' type: valid counts, or those of saturated pixels
    state: NDArray[np.uint8]  # (block rows, block cols) VALID, MASKED or SATURATED


def reduce_region(frame: Frame, region: Region) -> Reduced:
    """Reduce the part of the region that lies in the frame."""
    part = region.inside(frame.counts.shape)
    rows = slice(part.top, part.top + part.rows)
    cols = slice(part.left, part.left + part.cols)
    highest = np.zeros(part.blocks, frame.counts.dtype)
    state = np.full(part.blocks, MASKED, np.uint8)
    limits = _saturated_between(frame)
    counts, mask = read_only(frame.counts)[rows, cols], read_only(frame.mask)[rows, cols]
    _reduce(counts, mask, limits, part.step, highest, state)
    return Reduced(part, highest, state)


def _saturated_between(frame: Frame) -> tuple[float, float]:
    """Return the counts above the first and below the second that are saturated; an integer's maximum marks gaps."""
    kind = frame.counts.dtype
    highest = float(np.iinfo(kind).max) if kind.kind in "iu" else np.inf
    return (np.inf if frame.saturation is None else float(frame.saturation)), highest


@njit(cache=True, nogil=True)
def _reduce(
    counts: NDArray[Any],
    mask: NDArray[np.bool_],
    limits: tuple[float, float],
    step: int,
    highest: NDArray[Any],
    state: NDArray[np.uint8],
) -> None:
    """Fill ``highest`` and ``state`` (block rows, block cols), which begin as 0 and MASKED."""
    for row in range(counts.shape[0]):
        into = row // step
        for block in range(highest.shape[1]):
            top, kind = highest[into, block], state[into, block]
            for col in range(block * step, min(block * step + step, counts.shape[1])):
                count = counts[row, col]
                if mask[row, col]:
                    if limits[0] < count < limits[1] and (kind != 2 or count > top):
                        top, kind = count, 2
                elif kind == 1:
                    top, kind = count, 0
                elif kind == 0 and count > top:
                    top = count
            highest[into, block], state[into, block] = top, kind
