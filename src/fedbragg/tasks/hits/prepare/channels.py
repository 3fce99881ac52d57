"""The channels of a cell: significances on a logarithmic scale, and the masked share."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.mask_blocks import MaskBlocks

CHANNELS = ("core", "wings", "rim", "masked")
"""The channels of a View, in order:

core        ln(1 + z), z = significance of the 3 x 3 pixels around the block's peak; 0 = no peak
wings       ln(1 + z) of these pixels without the central one: high for a spot, near 0 for a zinger
rim         sign(z) ln(1 + |z|) of the pixels around them, out to 7 x 7: near 0 for a spot, high for a ring or an edge
masked      share of the block's pixels that are masked
"""


def channels_of(measures: NDArray[np.float32], masked: MaskBlocks) -> NDArray[np.float32]:
    """Return the channels (4, cell rows, cell cols) from the measures of `find_peaks`."""
    result = np.zeros((len(CHANNELS), *masked.valid.shape), np.float32)
    result[3] = masked.hidden_share
    _take_logarithms(measures, result)
    return result


@njit(cache=True, nogil=True)
def _take_logarithms(measures: NDArray[np.float32], channels: NDArray[np.float32]) -> None:
    """Fill the first three channels where there is a peak, in a few cells of a hundred."""
    for row in range(channels.shape[1]):
        for col in range(channels.shape[2]):
            if measures[0, row, col] > 0:
                channels[0, row, col] = math.log1p(measures[0, row, col])
                channels[1, row, col] = math.log1p(max(measures[1, row, col], 0.0))
                rim = measures[2, row, col]
                channels[2, row, col] = math.copysign(math.log1p(abs(rim)), rim)
