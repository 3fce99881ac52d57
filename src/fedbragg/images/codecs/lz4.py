"""The LZ4 decoder of hdf5plugin's library, callable from compiled loops, and the chunks of HDF5's LZ4 filter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from fedbragg.images.codecs.compiled import compiled
from fedbragg.images.codecs.library import register

SYMBOL = "fedbragg_lz4_decompress_safe"

AVAILABLE = register("LZ4_decompress_safe", SYMBOL)
"""Whether chunks can be decoded here; if not, HDF5 itself decodes them, two to three times slower."""

# int LZ4_decompress_safe(const char *source, char *out, int packed, int capacity): the unpacked size, negative for
# damaged input; it neither reads nor writes outside the sizes given.
lz4_decompress: Any = types.ExternalFunction(
    SYMBOL, types.int32(types.uintp, types.uintp, types.int32, types.int32)
)


@compiled
def big_endian(chunk: NDArray[np.uint8], start: int, length: int) -> int:
    """Return the unsigned number in ``length`` bytes from ``start``."""
    value = 0
    for byte in chunk[start : start + length]:
        value = (value << 8) | int(byte)
    return value


@compiled
def decode_lz4(chunk: NDArray[np.uint8], out: NDArray[np.uint8]) -> bool:
    """Decode a chunk of HDF5's filter 32004 into ``out`` (bytes,); return False where it is damaged.

    A chunk holds its unpacked size (8 bytes, big-endian), that of a block (4), then each block's packed size (4) and
    bytes. A block whose packed size equals its unpacked size is stored unpacked.
    """
    if chunk.size < 12 or big_endian(chunk, 0, 8) != out.size:
        return False
    block, position, start = big_endian(chunk, 8, 4), 12, 0
    while start < out.size:
        size = min(block, out.size - start)
        packed = big_endian(chunk, position, 4) if position + 4 <= chunk.size else -1
        position += 4
        if size < 1 or packed < 0 or packed > chunk.size - position:
            return False
        if packed == size:
            for byte in range(size):
                out[start + byte] = chunk[position + byte]
        elif lz4_decompress(chunk.ctypes.data + position, out.ctypes.data + start, packed, size) != size:
            return False
        position += packed
        start += size
    return position == chunk.size
