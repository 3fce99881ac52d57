"""A plain spot counter after DIALS' dispersion threshold, to count simulated frames as CXIDB-76 was counted.

A pixel is strong when its 7 x 7 neighbourhood varies more than ``gain`` times Poisson explains (by 6 standard
deviations), the pixel is ``strong`` standard deviations above the neighbourhood's mean, and above ``threshold``.
Touching strong pixels, ``smallest`` to 1000 of them, are a spot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_HALF = 3  # pixel, half the neighbourhood
_BACKGROUND = 6.0  # standard deviations


@dataclass(frozen=True)
class Counter:
    """The settings of a count."""

    gain: float
    threshold: float
    strong: float = 3.0
    smallest: int = 3

    def __call__(self, counts: NDArray[Any], mask: NDArray[np.bool_]) -> int:
        """Return the number of spots."""
        from scipy.ndimage import label

        image = np.ascontiguousarray(counts, np.float32)
        flagged = np.empty(mask.shape, np.bool_)
        _strong(image, mask, (self.gain, self.threshold, self.strong), flagged)
        groups, _ = label(flagged)  # type: ignore[misc]
        sizes = np.bincount(groups[flagged])[1:]
        return int(np.count_nonzero((sizes >= self.smallest) & (sizes <= 1000)))


@njit(nogil=True, cache=True)
def _strong(image, mask, settings, out):  # type: ignore[no-untyped-def]
    """Flag the strong pixels, with column sums that slide down the image."""
    gain, threshold, strong = settings
    rows, cols = image.shape
    number, total, square = np.zeros(cols), np.zeros(cols), np.zeros(cols)
    for row in range(-_HALF, rows):
        for col in range(cols):
            enters, leaves = row + _HALF, row - _HALF - 1
            if enters < rows and not mask[enters, col]:
                number[col] += 1
                total[col] += image[enters, col]
                square[col] += image[enters, col] * image[enters, col]
            if leaves >= 0 and not mask[leaves, col]:
                number[col] -= 1
                total[col] -= image[leaves, col]
                square[col] -= image[leaves, col] * image[leaves, col]
        if row < 0:
            continue
        for col in range(cols):
            out[row, col] = False
            if mask[row, col] or image[row, col] <= threshold:
                continue
            left, right = max(col - _HALF, 0), min(col + _HALF + 1, cols)
            n, x, y = number[left:right].sum(), total[left:right].sum(), square[left:right].sum()
            if n < 2 or x <= 0:
                continue
            varies = n * y - x * x - gain * x * (n - 1) > gain * x * _BACKGROUND * math.sqrt(2.0 * (n - 1))
            out[row, col] = varies and n * image[row, col] - x > strong * math.sqrt(gain * x * n)


SETS = {
    "l498": Counter(gain=4.55, threshold=100, strong=6),
    "lg36": Counter(gain=15.64, threshold=100, smallest=2),
    "ln83": Counter(gain=0.27, threshold=200),
    "ln84": Counter(gain=0.31, threshold=200),
    "lo19": Counter(gain=0.19, threshold=200),
}
"""As the sets were counted in Ke et al. 2018; the smallest spot is DIALS' own for pixel detectors where not given."""
