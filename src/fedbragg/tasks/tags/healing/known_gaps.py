"""Gaps between modules that a file does not mark: known from the detector's outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.scattering.layouts import LAYOUTS, gap_mask
from fedbragg.types import Frame

ALIKE = 0.99
"""Share of a gap's pixels that hold one and the same number where nothing was measured."""
ELSEWHERE = 0.9
"""Share of all other pixels that may hold that number, too: a dark image shows no gaps."""


def known_gaps(frame: Frame) -> NDArray[np.bool_]:
    """Return (rows, cols): unmarked gaps of a detector that has the frame's outline, where they hold one number."""
    gaps = np.zeros(frame.counts.shape, np.bool_)
    for layout in LAYOUTS:
        if (layout.rows, layout.cols) == frame.counts.shape and layout.module != (0, 0):
            gaps |= _held(frame, gap_mask(layout, max(layout.rows, layout.cols)))
    return gaps


def _held(frame: Frame, gap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the gap where its unmarked pixels hold the same number, else none of it."""
    inside, outside = frame.counts[gap & ~frame.mask], frame.counts[~gap & ~frame.mask]
    if inside.size == 0 or outside.size == 0:
        return np.zeros_like(gap)
    number = np.median(inside)
    same = (inside == number).mean() >= ALIKE and (outside == number).mean() <= ELSEWHERE
    return gap if same else np.zeros_like(gap)
