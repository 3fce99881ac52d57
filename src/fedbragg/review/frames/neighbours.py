"""The sum of a frame and its neighbours in time, for crystals too weak to be seen in one frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import Frame

MOST = 50
"""Most frames that are summed."""


def window(position: int, number: int, frames: int) -> range:
    """Return the positions of ``number`` frames around one, in the middle of them, of a run of ``frames``."""
    start = max(0, position - (number - 1) // 2)
    return range(start, min(frames, position + number // 2 + 1))


def summed(frame: Frame, neighbours: Iterable[Frame]) -> Frame:
    """Add the counts of frames of the same shape to a frame's.

    A pixel that is masked or saturated in one of them is so in the sum; the sum is still named as the frame in the
    middle.
    """
    whole = frame.counts.dtype.kind in "iu"
    total = np.zeros(frame.counts.shape, np.int64 if whole else np.float64)
    mask, saturated = np.zeros(total.shape, bool), np.zeros(total.shape, bool)
    for one in (frame, *neighbours):
        np.add(total, one.counts, out=total, where=~one.mask)
        mask |= one.mask
        saturated |= _saturated(one)
    total[mask] = 0
    if frame.saturation is not None:
        total[saturated] = np.ceil(frame.saturation) + 1  # above the limit, as readers leave it
    return replace(frame, counts=total, mask=mask)


def _saturated(frame: Frame) -> NDArray[Any]:
    if frame.saturation is None:
        return np.zeros(frame.counts.shape, bool)
    kind = frame.counts.dtype
    marker = np.iinfo(kind).max if kind.kind in "iu" else np.inf
    return frame.mask & (frame.counts > frame.saturation) & (frame.counts < marker)
