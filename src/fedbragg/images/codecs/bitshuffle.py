"""Decode chunks of bitshuffle, and check in the same pass which pixels are outside the trusted range.

Bitshuffle (Masui et al., Astronomy and Computing 12, 181, 2015) cuts a chunk into blocks, transposes the bits of each
and packs it with LZ4 or Zstandard. HDF5's filter 32008 puts 12 bytes before the blocks: the unpacked size of all blocks
(8 bytes, big-endian) and of one (4). Each block follows its packed size (4). Up to seven last elements are stored
unpacked.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.codecs.bit_transpose import STEP, Comparison, untranspose
from fedbragg.images.codecs.compiled import compiled, inlined
from fedbragg.images.codecs.lz4 import lz4_decompress
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
    decoding, progress = begin(read_only(chunk), out, width, read_only(expected), high, zstd)
    return end(decoding, decode_until(decoding, progress, out.size))


if ZSTD_AVAILABLE:

    @inlined
    def _decompressed(zstd: bool, source: int, planes: int, packed: int, size: int) -> int:
        if zstd:
            return int(zstd_decompress(source, planes, packed, size))
        return int(lz4_decompress(source, planes, packed, size))

else:

    @inlined
    def _decompressed(zstd: bool, source: int, planes: int, packed: int, size: int) -> int:
        return int(lz4_decompress(source, planes, packed, size))


# Plain tuples, because numba takes a tenth of a millisecond to recognise a named one.
Decoding = tuple[Bytes, Bytes, int, int, bool, Bytes, int, Bytes, NDArray[np.uint64], Bytes]
"""A chunk that is being decoded: the chunk, the counts' memory, bytes of a count, bytes of an unpacked block, whether
Zstandard has packed it, what is expected and the highest trusted count; and working memory: planes, limits, differing.
"""
Progress = tuple[int, int, bool]
"""How far a chunk is decoded: where its next block begins, -1 where the chunk is damaged; how many bytes of counts are
there; and whether those of them that fill no whole step are as expected."""


def begin(
    chunk: Bytes, out: Bytes, width: int, expected: Bytes, high: int, zstd: bool
) -> tuple[Decoding, Progress]:
    """Return what `decode_until` needs, and copy the last elements, which are stored unpacked.

    The arguments are those of `decode_bitshuffle`, the counts as their bytes. Not compiled: it takes microseconds, and
    compiling it takes a second.
    """
    size, block = _number(chunk, 0, 8), _number(chunk, 8, HEADER) or USUAL_BLOCK
    rest = out.size % (8 * width)
    fits = chunk.size >= HEADER + rest and size == out.size
    if not fits or block % (8 * width) or block > LARGEST_BLOCK:
        block, fits = 0, False
    elif rest:
        out[-rest:] = chunk[-rest:]
    planes, differing = np.empty(block, np.uint8), np.zeros(STEP, np.uint8)
    limits = _inverted_bits(high, 8 * width)
    decoding = (chunk, out, width, block, zstd, expected, high, planes, limits, differing)
    return decoding, (HEADER if fits else -1, 0, True)


def _number(chunk: Bytes, start: int, stop: int) -> int:
    """Return the big-endian number in these bytes."""
    return int.from_bytes(chunk[start:stop].tobytes(), "big")


@lru_cache(maxsize=8)
def _inverted_bits(number: int, bits: int) -> NDArray[np.uint64]:
    """Return a word for each bit of a number, from the lowest: zero where the bit is set, else all ones."""
    words = [0 if number >> bit & 1 else 0xFFFFFFFFFFFFFFFF for bit in range(bits)]
    return read_only(np.array(words, np.uint64))


@compiled
def decode_until(decoding: Decoding, progress: Progress, wanted: int) -> Progress:
    """Decode blocks until ``wanted`` bytes are there, or all but the last elements that are stored unpacked."""
    chunk, out, width, block, zstd, expected, high, planes, limits, differing = decoding
    whole = out.size // (8 * width) * (8 * width)
    # With nothing to check, the comparison reads the same valid address every time and its result is ignored.
    marks, bytes_per_mark = (
        (expected.ctypes.data, 8 * width) if expected.size else (planes.ctypes.data, 1 << 62)
    )
    position, start, fits = progress
    while position >= 0 and start < min(wanted, whole):
        size, packed = min(block, whole - start), _packed_size(chunk, position)
        position += 4
        source = chunk.ctypes.data + position
        if packed < 0 or _decompressed(zstd, source, planes.ctypes.data, packed, size) != size:
            return -1, start, False
        position += packed
        stream = size // (8 * width)
        comparison = Comparison(marks + start // bytes_per_mark, limits.ctypes.data, differing.ctypes.data)
        untranspose(planes.ctypes.data, out.ctypes.data + start, stream, width, comparison)
        _untranspose_rest(planes, out, start, size, width)
        rest = start // width + stream // STEP * STEP * 8
        fits = fits and _as_expected(out, width, expected, high, rest, (start + size) // width)
        start += size
    return position, start, fits


def end(decoding: Decoding, progress: Progress) -> int:
    """Return the result of `decode_bitshuffle`."""
    chunk, out, width, _, _, expected, high, _, _, differing = decoding
    position, done, fits = progress
    if position < 0 or chunk.size - position != out.size - done:
        return DAMAGED
    if not expected.size:
        return AS_EXPECTED
    fits = fits and not differing.any() and _rest_is_as_expected(out[done:], width, expected, high, done)
    return AS_EXPECTED if fits else UNEXPECTED


def _rest_is_as_expected(rest: Bytes, width: int, expected: Bytes, high: int, done: int) -> bool:
    """Compare the last elements, which are stored unpacked, after ``done`` bytes."""
    values = rest.view(f"u{width}")
    marks = np.unpackbits(expected[done // width // 8 :], bitorder="little")
    return bool(((values > high) == marks[: values.size]).all())


@inlined
def _packed_size(chunk: Bytes, position: int) -> int:
    """Return the packed size that a block states, or -1 where the chunk ends before that."""
    if position + 4 > chunk.size:
        return -1
    packed = 0
    for byte in range(position, position + 4):
        packed = (packed << 8) | int(chunk[byte])
    return packed if packed <= chunk.size - position - 4 else -1


@inlined
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


@inlined
def _untranspose_rest(planes: Bytes, out: Bytes, start: int, size: int, width: int) -> None:
    """Transpose the last elements of a block bit by bit: those that fill no whole step of the planes."""
    stream = size // (8 * width)
    for column in range(stream // STEP * STEP, stream):
        first = start + 8 * column * width
        for byte in range(first, first + 8 * width):
            out[byte] = 0
        for bit in range(8 * width):
            bits = planes[bit * stream + column]  # of eight elements
            for element in range(8):
                out[first + element * width + bit // 8] |= ((bits >> element) & 1) << (bit % 8)
