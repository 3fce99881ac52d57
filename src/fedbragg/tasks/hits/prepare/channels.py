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


def empty_channels(masked: MaskBlocks) -> NDArray[np.float32]:
    """Return the channels (4, cell rows, cell cols) of a frame without a peak."""
    channels = np.empty((len(CHANNELS), *masked.valid.shape), np.float32)
    channels[:3], channels[3] = 0, masked.hidden_share
    return channels


@njit(cache=True, nogil=True, inline="always")
def take_logarithms(
    core: np.float32, wings: np.float32, rim: np.float32, cell: tuple[int, int], channels: NDArray[np.float32]
) -> None:
    """Fill the channels of a block with a peak, whose significances are given."""
    channels[0][cell] = math.log1p(core)
    channels[1][cell] = math.log1p(max(float(wings), 0.0))
    channels[2][cell] = math.copysign(math.log1p(abs(rim)), rim)
