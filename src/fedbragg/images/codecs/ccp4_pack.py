"""The CCP4 packing of mar345 files, only as far as needed to find where the data end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.codecs.compiled import compiled

WIDTHS = np.array([0, 4, 5, 6, 7, 8, 16, 32], np.int64)
"""Bits of a difference, by bits 3 to 5 of a group's header; bits 0 to 2 are log2 of its number of pixels."""


def packed_size(content: bytes, pixels: int) -> int | None:
    """Return the bytes that the packed pixels take, or None where ``content`` ends before the last."""
    bits = _packed_bits(np.frombuffer(content, np.uint8), pixels, WIDTHS)
    return None if bits < 0 else -(-bits // 8)


@compiled
def _packed_bits(content: NDArray[np.uint8], pixels: int, widths: NDArray[np.int64]) -> int:
    """Go from group to group and return the bits they take; -1 where the content ends too early."""
    position, total = 0, content.size * 8
    while pixels > 0:
        if position + 6 > total:
            return -1
        byte, shift = position >> 3, position & 7
        pair = np.int64(content[byte])
        if byte + 1 < content.size:
            pair |= np.int64(content[byte + 1]) << 8
        header = int((pair >> shift) & 63)
        count = 1 << (header & 7)
        position += 6 + count * int(widths[header >> 3])
        pixels -= count
    return position if position <= total else -1
