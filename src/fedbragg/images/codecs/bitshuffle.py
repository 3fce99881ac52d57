"""Decode chunks of bitshuffle, and check in the same pass which pixels are outside the trusted range.

Bitshuffle (Masui et al., Astronomy and Computing 12, 181, 2015) cuts a chunk into blocks, transposes the bits of each
and packs it with LZ4 or Zstandard. HDF5's filter 32008 puts 12 bytes before the blocks: the unpacked size of all blocks
(8 bytes, big-endian) and of one (4). Each block follows its packed size (4). Up to seven last elements are stored
unpacked.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.codecs.bit_transpose import STEP, Comparison, untranspose
from fedbragg.images.codecs.compiled import compiled
from fedbragg.images.codecs.lz4 import big_endian, lz4_decompress
from fedbragg.images.codecs.zstd import ZSTD_AVAILABLE, zstd_decompress
from fedbragg.read_only import read_only

Bytes = NDArray[np.uint8]

AS_EXPECTED, UNEXPECTED, DAMAGED = 0, 1, 2
"""The results: exactly the expected pixels are outside the trusted range; others are; the chunk does not decode."""

HEADER = 12
USUAL_BLOCK = 8192
LARGEST_BLOCK = 1 << 24


def decode_bitshuffle(
    chunk: Bytes, counts: NDArray[Any], expected: Bytes, high: int, *, zstd: bool = False
) -> int:
    """Decode ``chunk`` into ``counts``; tell whether exactly the pixels of ``expected`` are below 0 or above ``high``.

    ``counts`` (pixels,) is contiguous. ``expected`` has a bit a pixel, the first pixel in the lowest bit of the first
    byte; it is empty when nothing is to be checked. ``zstd`` says that Zstandard has packed the blocks. Nothing beyond
    ``chunk`` is read and nothing beyond ``counts`` is written, whatever the chunk holds.
    """
    # Bytes and a width, whatever the type of the counts, so that this is compiled once.
    out, width = counts.view(np.uint8), counts.itemsize
    return int(_decode(read_only(chunk), out, width, read_only(expected), high, zstd))


if ZSTD_AVAILABLE:

    @compiled
    def _decompressed(zstd: bool, source: int, planes: int, packed: int, size: int) -> int:
        if zstd:
            return int(zstd_decompress(source, planes, packed, size))
        return int(lz4_decompress(source, planes, packed, size))

else:

    @compiled
    def _decompressed(zstd: bool, source: int, planes: int, packed: int, size: int) -> int:
        return int(lz4_decompress(source, planes, packed, size))


class Decoding(NamedTuple):
    """A chunk that is being decoded: where it goes, what is checked, and working memory."""

    chunk: Bytes
    out: Bytes  # the counts' memory
    width: int  # bytes of a count
    block: int  # bytes of a block, unpacked
    zstd: bool
    expected: Bytes
    high: int
    planes: Bytes
    limits: NDArray[np.uint64]
    differing: Bytes


class Progress(NamedTuple):
    """How far a chunk is decoded."""

    position: int  # of the next block in the chunk; -1 where the chunk is damaged
    done: int  # bytes of ``out``
    fits: bool  # whether the counts so far that fill no whole step are as expected


@compiled
def _decode(chunk: Bytes, out: Bytes, width: int, expected: Bytes, high: int, zstd: bool) -> int:
    decoding, progress = begin(chunk, out, width, expected, high, zstd)
    return end(decoding, decode_until(decoding, progress, out.size))


@compiled
def begin(
    chunk: Bytes, out: Bytes, width: int, expected: Bytes, high: int, zstd: bool
) -> tuple[Decoding, Progress]:
    """Return what `decode_until` needs; arguments as of `decode_bitshuffle`, the counts as their bytes."""
    block, position = 0, HEADER
    if chunk.size >= HEADER and big_endian(chunk, 0, 8) == out.size:
        block = big_endian(chunk, 8, 4)
        block = USUAL_BLOCK if block == 0 else block
    else:
        position = -1
    if block % (8 * width) or block > LARGEST_BLOCK:
        block, position = 0, -1
    planes, differing = np.empty(block, np.uint8), np.zeros(STEP, np.uint8)
    limits = _inverted_bits(high, 8 * width)
    decoding = Decoding(chunk, out, width, block, zstd, expected, high, planes, limits, differing)
    return decoding, Progress(position, 0, True)


@compiled
def decode_until(decoding: Decoding, progress: Progress, wanted: int) -> Progress:
    """Decode blocks until ``wanted`` bytes are there, or all but the last elements that are stored unpacked."""
    chunk, out, width = decoding.chunk, decoding.out, decoding.width
    whole = out.size // (8 * width) * (8 * width)
    planes, expected = decoding.planes, decoding.expected
    # With nothing to check, the comparison reads the same valid address every time and its result is ignored.
    marks, bytes_per_mark = (
        (expected.ctypes.data, 8 * width) if expected.size else (planes.ctypes.data, 1 << 62)
    )
    position, start, fits = progress
    while position >= 0 and start < min(wanted, whole):
        size, packed = min(decoding.block, whole - start), _packed_size(chunk, position)
        position += 4
        source = chunk.ctypes.data + position
        if packed < 0 or _decompressed(decoding.zstd, source, planes.ctypes.data, packed, size) != size:
            return Progress(-1, start, False)
        position += packed
        stream = size // (8 * width)
        comparison = Comparison(
            marks + start // bytes_per_mark, decoding.limits.ctypes.data, decoding.differing.ctypes.data
        )
        untranspose(planes.ctypes.data, out.ctypes.data + start, stream, width, comparison)
        _untranspose_rest(planes, out, start, size, width)
        rest = start // width + stream // STEP * STEP * 8
        fits = fits and _as_expected(out, width, expected, decoding.high, rest, (start + size) // width)
        start += size
    return Progress(position, start, fits)


@compiled
def end(decoding: Decoding, progress: Progress) -> int:
    """Copy the last elements, which are stored unpacked, and return the result of `decode_bitshuffle`."""
    chunk, out, width, expected = decoding.chunk, decoding.out, decoding.width, decoding.expected
    position, whole = progress.position, progress.done
    if position < 0 or chunk.size - position != out.size - whole:
        return DAMAGED
    for byte in range(out.size - whole):  # an assignment of slices takes numba seconds to compile
        out[whole + byte] = chunk[position + byte]
    fits = progress.fits and _as_expected(
        out, width, expected, decoding.high, whole // width, out.size // width
    )
    return AS_EXPECTED if fits and not (expected.size and decoding.differing.any()) else UNEXPECTED


@compiled
def _packed_size(chunk: Bytes, position: int) -> int:
    """Return the packed size that a block states, or -1 where the chunk ends before that."""
    if position + 4 > chunk.size:
        return -1
    packed = big_endian(chunk, position, 4)
    return packed if packed <= chunk.size - position - 4 else -1


@compiled
def _inverted_bits(number: int, bits: int) -> NDArray[np.uint64]:
    """Return a word for each bit of a number, from the lowest: zero where the bit is set, else all ones."""
    words = np.zeros(bits, np.uint64)
    for bit in range(bits):
        if not (number >> bit) & 1:
            words[bit] = np.uint64(0xFFFFFFFFFFFFFFFF)
    return words


@compiled
def _as_expected(out: Bytes, width: int, expected: Bytes, high: int, start: int, stop: int) -> bool:
    """Compare the counts from ``start`` to ``stop`` one by one: those that fill no whole step.

    Without its sign a negative count is above every limit.
    """
    if not expected.size:
        return True
    for pixel in range(start, stop):
        value = np.int64(0)
        for byte in range(width):
            value |= np.int64(out[pixel * width + byte]) << (8 * byte)
        if (value > high) != bool((expected[pixel >> 3] >> (pixel & 7)) & 1):
            return False
    return True


@compiled
def _untranspose_rest(planes: Bytes, out: Bytes, start: int, size: int, width: int) -> None:
    """Transpose the last elements of a block bit by bit: those that fill no whole step of the planes."""
    stream = size // (8 * width)
    for column in range(stream // STEP * STEP, stream):
        for element in range(8):
            for byte in range(width):
                value = 0
                for bit in range(8):
                    value |= ((planes[(8 * byte + bit) * stream + column] >> element) & 1) << bit
                out[start + (8 * column + element) * width + byte] = value
