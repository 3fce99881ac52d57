"""The sample of a frame's pixels from which its background level is taken, in groups of which each gives a mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.medians import median

SAMPLED_PIXELS = 20_000
"""Enough for 4 % at 0.03 counts a pixel."""
GROUPS = 63
"""Means of which the median is taken; hot pixels or spots, a hundred or so, distort only a few of them."""
Sampled = tuple[NDArray[np.int32], NDArray[np.int64]]
"""pixels and starts of LevelSample"""


@dataclass(frozen=True, slots=True, eq=False)
class LevelSample:
    """The sampled pixels of a mask: those of an oblique grid that are not masked. Read-only: frames share them."""

    pixels: NDArray[
        np.int32
    ]  # (pixels,) in the flattened frame, rising; its group is its place here modulo GROUPS
    starts: NDArray[np.int64]  # (rows of the frame + 1,) where each row begins among them

    @property
    def given(self) -> Sampled:
        """Return what compiled functions take."""
        return self.pixels, self.starts


def level_sample(mask: NDArray[np.bool_]) -> LevelSample:
    """Return the sampled pixels of a mask (rows, cols), True = ignore."""
    step = max(1, math.isqrt(mask.size // SAMPLED_PIXELS))
    rows = np.arange(step // 2, mask.shape[0], step)
    columns = [np.arange((row // step) % step, mask.shape[1], step) for row in rows]
    places = [row * mask.shape[1] + of_row for row, of_row in zip(rows, columns, strict=True)]
    grid = np.concatenate(places) if places else np.empty(0, np.int64)
    pixels = grid[~mask.reshape(-1)[grid]].astype(np.int32)
    starts = np.searchsorted(pixels, np.arange(mask.shape[0] + 1) * mask.shape[1])
    return LevelSample(read_only(pixels), read_only(starts))


@njit(cache=True, nogil=True)
def add_to_groups(
    counts: NDArray[Any], sampled: Sampled, first: int, end: int, total: NDArray[np.float64]
) -> None:
    """Add the sampled pixels of the rows from ``first`` to before ``end`` to the sums (GROUPS,) of their groups.

    ``counts`` (pixels,) is the flattened frame.
    """
    pixels, starts = sampled
    group = starts[first] % total.size
    for place in range(starts[first], starts[end]):
        total[group] += float(counts[np.uintp(pixels[place])])
        group = group + 1 if group + 1 < total.size else 0


@njit(cache=True, nogil=True)
def median_of_means(total: NDArray[np.float64], pixels: int) -> float:
    """Return the median of the groups' means from their sums (GROUPS,) over so many pixels, at least one."""
    groups = min(total.size, pixels)
    means = np.empty(groups)
    for group in range(groups):
        means[group] = total[group] / ((pixels - group + total.size - 1) // total.size)
    return median(means)
