"""A frame's background level: one number in the detector's own counts, computed for every frame.

It comes from the counts, not from the View: the View does not depend on gain, offset and exposure, which may drift.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.per_mask import PerMask
from fedbragg.read_only import read_only
from fedbragg.types import Frame

SAMPLED_PIXELS = 20_000
"""Enough for 4 % at 0.03 counts a pixel."""
GROUPS = 63
"""Means of which the median is taken; hot pixels or spots, a hundred or so, distort only a few of them."""


class BackgroundLevel:
    """Takes the level of frames; which pixels are sampled is found once for frames that share a mask."""

    def __init__(self) -> None:
        self._sampled = PerMask(sampled_pixels)

    def __call__(self, frame: Frame) -> float | None:
        """Return counts a pixel as the median of means of a sample of the unmasked pixels; None where all are masked.

        The level has four significant digits, as tables do, so that it is the same when it is read from a table.
        """
        pixels = self._sampled(frame.mask)
        if not pixels.size:
            return None
        total = np.zeros(GROUPS)
        _add_to_groups(read_only(frame.counts.reshape(-1)), read_only(pixels), total)
        known = min(GROUPS, pixels.size)
        number = -(-(pixels.size - np.arange(known)) // GROUPS)
        return float(f"{np.median(total[:known] / number):.4g}")


def background_level(frame: Frame) -> float | None:
    """Return the level of a single frame."""
    return BackgroundLevel()(frame)


def sampled_pixels(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return where the sampled pixels lie in the flattened frame: those of an oblique grid that are not masked."""
    step = max(1, math.isqrt(mask.size // SAMPLED_PIXELS))
    rows = np.arange(step // 2, mask.shape[0], step)
    columns = [np.arange((row // step) % step, mask.shape[1], step) for row in rows]
    places = [row * mask.shape[1] + of_row for row, of_row in zip(rows, columns, strict=True)]
    grid = np.concatenate(places) if places else np.empty(0, np.int64)
    return grid[~mask.reshape(-1)[grid]]


@njit(cache=True, nogil=True)
def _add_to_groups(counts: NDArray[Any], pixels: NDArray[np.int64], total: NDArray[np.float64]) -> None:
    """Add the pixels to the sums (groups,) of the groups in turn."""
    group = 0
    for pixel in pixels:
        total[group] += float(counts[pixel])
        group = group + 1 if group + 1 < total.size else 0
