"""Decode bitshuffle-LZ4 chunks and check where the sentinels lie, in one pass.

Bitshuffle (Masui et al., Astronomy and Computing 12, 181, 2015) cuts a chunk into blocks, transposes the bits of each
and packs it with LZ4. HDF5's filter 32008 puts 12 bytes before them: the unpacked size of all blocks (8, big-endian)
and of one (4); each block is preceded by its packed size (4). Up to seven last elements are stored as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.bits import STEP, untranspose
from fedbragg.images.compiled import compiled
from fedbragg.images.kernels import outside_as
from fedbragg.images.lz4 import big_endian, lz4_decompress

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

AS_EXPECTED, UNEXPECTED, DAMAGED = 0, 1, 2
"""What a chunk can turn out to be: sentinels where they should be, or elsewhere; or not decodable."""

HEADER = 12
USUAL_BLOCK = 8192
LARGEST_BLOCK = 1 << 24


@compiled
def decode(chunk: Bytes, out: Bytes, counts: NDArray[Any], expected: Mask, bounds: NDArray[Any]) -> int:
    """Decode ``chunk`` into ``out``; compare each block with ``expected`` while it is in the processor's cache.

    ``out`` (bytes,) and ``counts`` (pixels,) are the same memory. ``expected`` (pixels,) is True where a count should
    lie outside ``bounds`` (2,), the lowest and the highest trusted one; empty to check nothing. Reads nothing beyond
    ``chunk`` and writes nothing beyond ``out``, whatever the chunk holds.
    """
    width = counts.itemsize
    if chunk.size < HEADER or big_endian(chunk, 0, 8) != out.size:
        return DAMAGED
    block = big_endian(chunk, 8, 4)
    block = USUAL_BLOCK if block == 0 else block
    if block % (8 * width) or block > LARGEST_BLOCK:
        return DAMAGED
    return _decode_blocks(chunk, out, counts, expected, bounds, block)


@compiled
def _decode_blocks(
    chunk: Bytes, out: Bytes, counts: NDArray[Any], expected: Mask, bounds: NDArray[Any], block: int
) -> int:
    width = counts.itemsize
    whole = out.size // (8 * width) * (8 * width)
    planes = np.empty(block, np.uint8)
    position, start, state = HEADER, 0, AS_EXPECTED
    while start < whole:
        size = min(block, whole - start)
        packed = big_endian(chunk, position, 4) if position + 4 <= chunk.size else -1
        position += 4
        if packed < 0 or packed > chunk.size - position:
            return DAMAGED
        if lz4_decompress(chunk.ctypes.data + position, planes.ctypes.data, packed, size) != size:
            return DAMAGED
        position += packed
        untranspose(planes.ctypes.data, out.ctypes.data + start, size // (8 * width), width)
        _untranspose_rest(planes, out, start, size, width)
        if expected.size and not outside_as(
            expected, counts, bounds, start // width, (start + size) // width
        ):
            state = UNEXPECTED
        start += size
    if chunk.size - position != out.size - whole:
        return DAMAGED
    out[whole:] = chunk[position:]
    if expected.size and not outside_as(expected, counts, bounds, whole // width, counts.size):
        state = UNEXPECTED
    return state


@compiled
def _untranspose_rest(planes: Bytes, out: Bytes, start: int, size: int, width: int) -> None:
    """Gather the last elements of a block, those that fill no whole step of the planes, bit by bit."""
    stream = size // (8 * width)
    for column in range(stream // STEP * STEP, stream):
        for element in range(8):
            for byte in range(width):
                value = 0
                for bit in range(8):
                    value |= ((planes[(8 * byte + bit) * stream + column] >> element) & 1) << bit
                out[start + (8 * column + element) * width + byte] = value
