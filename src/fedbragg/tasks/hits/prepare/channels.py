"""The channels of a cell: significances on a logarithmic scale, and the masked share."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

CHANNELS = ("core", "wings", "rim", "masked")
"""The channels of a View, in order:

core        ln(1 + z), z = significance of the 3 x 3 pixels around the block's peak; 0 = no peak
wings       ln(1 + z) of these pixels without the central one: high for a spot, near 0 for a zinger
rim         sign(z) ln(1 + |z|) of the pixels around them, out to 7 x 7: near 0 for a spot, high for a ring or an edge
masked      share of the block's pixels that are masked
"""


@njit(cache=True, nogil=True)
def channels_of(measures: NDArray[np.float32], valid: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Return the channels (4, cell rows, cell cols) from the measures of `find_peaks`.

    Logarithms are computed only where there is a peak, in a few cells of a hundred.
    """
    rows, cols = valid.shape
    result = np.zeros((4, rows, cols), np.float32)
    share = np.float32(1 / (block * block))
    for row in range(rows):
        for col in range(cols):  # a loop of its own, so that it vectorises
            result[3, row, col] = np.float32(1) - valid[row, col] * share
        for col in range(cols):
            if measures[0, row, col] > 0:
                result[0, row, col] = math.log1p(measures[0, row, col])
                result[1, row, col] = math.log1p(max(measures[1, row, col], 0.0))
                rim = measures[2, row, col]
                result[2, row, col] = math.copysign(math.log1p(abs(rim)), rim)
    return result
