"""Decode the byte-offset compression of CBF: differences in one byte, or in 2, 4 or 8 after an escape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.codecs.compiled import compiled


@compiled
def decode_byte_offset(binary: NDArray[np.uint8], out: NDArray[Any]) -> bool:
    """Fill ``out`` (pixels,) from ``binary`` (bytes,); return False where one ends before the other.

    Each pixel is its predecessor plus a difference. The most negative value of each width, 0x80, 0x8000, 0x80000000,
    says that the difference follows in the next wider one.
    """
    position, value = 0, np.int64(0)
    for pixel in range(out.size):
        width = 1
        while True:
            if position + width > binary.size:
                return False
            difference = np.int64(0)
            for byte in range(width):
                difference |= np.int64(binary[position + byte]) << (8 * byte)
            position += width
            # Extend the sign bit of this width to 64 bits.
            difference = (difference << (64 - 8 * width)) >> (64 - 8 * width)
            if width == 8 or difference != -(np.int64(1) << (8 * width - 1)):
                break
            width *= 2
        value += difference
        out[pixel] = value
    return position == binary.size
