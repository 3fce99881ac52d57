"""A frame as the browser draws it: counts as codes of 8 or 16 bits, which a look-up table turns into greys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.review.frames.reduction import MASKED, SATURATED, VALID, Reduced, Region, reduce_region
from fedbragg.types import Frame

SPECIAL = 2
"""Number of special codes at the top: the highest is masked, the next saturated."""
SCALED_AT = 1024
"""Pixels of the longer edge of the reduced frame that decides the scale."""
BRIGHTEST = 99.9
"""Percentile of its blocks that gets the highest code where counts need more than 16 bits."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The meaning of a code: count = offset + gain * code. The same for every region of a frame."""

    bits: int  # 8 or 16
    offset: float  # counts
    gain: float  # counts; 1 where every count has its own code

    @property
    def top(self) -> int:
        """Return the highest code of a count."""
        return (1 << self.bits) - 1 - SPECIAL

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the type of the codes, low byte first."""
        return np.dtype(np.uint8 if self.bits == 8 else "<u2")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Codes of a region."""

    region: Region
    scale: Scale
    codes: NDArray[Any]  # (block rows, block cols)


def whole(shape: tuple[int, ...], longest: int) -> Region:
    """Return the region of a whole frame, reduced until its longer edge has at most ``longest`` blocks."""
    return Region(0, 0, shape[0], shape[1], max(1, -(-max(shape) // longest)))


def scale_of(frame: Frame) -> Scale:
    """Choose a frame's scale: every count its own code where 16 bits are enough."""
    found = reduce_region(frame, whole(frame.counts.shape, SCALED_AT))
    valid = found.highest[found.state == VALID]
    if valid.size == 0:
        return Scale(8, 0, 1)
    low, high = _lowest(frame), float(valid.max())
    if frame.counts.dtype.kind in "iu":
        for bits in (8, 16):
            if high - low <= Scale(bits, low, 1).top:
                return Scale(bits, low, 1)
    scale = Scale(16, low, 1)
    gain = (float(np.percentile(valid, BRIGHTEST)) - low) / scale.top
    least = 1.0 if frame.counts.dtype.kind in "iu" else np.finfo(np.float32).tiny
    return Scale(16, low, max(gain, float(least)))


def _lowest(frame: Frame) -> float:
    """Return the lowest count that has a code of its own: 0, or what a sample finds below it."""
    if frame.counts.dtype.kind == "u":
        return 0
    step = max(1, max(frame.counts.shape) // SCALED_AT)
    sample = frame.counts[::step, ::step][~frame.mask[::step, ::step]]
    return float(min(0, sample.min())) if sample.size else 0


def picture_of(found: Reduced, scale: Scale) -> Picture:
    """Return the codes of a reduced region."""
    codes = np.rint((found.highest.astype(np.float64) - scale.offset) / scale.gain)
    codes = np.clip(codes, 0, scale.top).astype(scale.dtype)
    codes[found.state == SATURATED] = scale.top + 1
    codes[found.state == MASKED] = scale.top + 2
    return Picture(found.region, scale, codes)


def exact_counts(frame: Frame, region: Region) -> tuple[Region, bytes]:
    """Return a region at full resolution: all counts as doubles, then all states as bytes, row by row."""
    found = reduce_region(frame, Region(region.top, region.left, region.rows, region.cols, 1))
    rows, cols = found.region.rows, found.region.cols
    here = np.s_[found.region.top : found.region.top + rows, found.region.left : found.region.left + cols]
    return found.region, frame.counts[here].astype("<f8").tobytes() + found.state.tobytes()
