"""A frame's background level: one number in the detector's own counts, computed for every frame.

It comes from the counts, not from the View: the View does not depend on gain, offset and exposure, which may drift.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.types import Frame

SAMPLED_PIXELS = 20_000
"""Enough for 4 % at 0.03 counts a pixel."""
GROUPS = 63
"""Means of which the median is taken; hot pixels or spots, a hundred or so, distort only a few of them."""


def background_level(frame: Frame) -> float | None:
    """Return counts a pixel as the median of means of a sample of the unmasked pixels; None where all are masked.

    The level has four significant digits, as tables do, so that it is the same when it is read from a table.
    """
    step = max(1, math.isqrt(frame.counts.size // SAMPLED_PIXELS))
    total, number = np.zeros(GROUPS), np.zeros(GROUPS)
    _add_to_groups(read_only(frame.counts), read_only(frame.mask), step, total, number)
    known = number > 0
    return float(f"{np.median(total[known] / number[known]):.4g}") if known.any() else None


@njit(cache=True, nogil=True)
def _add_to_groups(
    counts: NDArray[Any],
    mask: NDArray[np.bool_],
    step: int,
    total: NDArray[np.float64],
    number: NDArray[np.float64],
) -> None:
    """Add the pixels of a grid to sum and number (groups,) of the groups in turn."""
    group = 0
    for row in range(step // 2, counts.shape[0], step):
        for column in range((row // step) % step, counts.shape[1], step):
            if not mask[row, column]:
                total[group] += float(counts[row, column])
                number[group] += 1
                group = (group + 1) % GROUPS
