"""Bitshuffle-LZ4 chunks of hdf5plugin decode; damaged ones do no harm."""

from __future__ import annotations

from typing import Any

import hdf5plugin
import numpy as np
from hdf5_files import packed
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fedbragg.images.codecs.bitshuffle import AS_EXPECTED, DAMAGED, UNEXPECTED, decode_bitshuffle

DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4"]


def decoded(
    chunk: NDArray[np.uint8], size: int, dtype: str, *, zstd: bool = False
) -> tuple[int, NDArray[Any]]:
    counts = np.zeros(size, dtype)
    return decode_bitshuffle(chunk, counts, np.empty(0, np.uint8), 0, zstd=zstd), counts


@settings(deadline=None, max_examples=60)
@given(
    dtype=st.sampled_from(DTYPES),
    size=st.integers(1, 20_000),
    block=st.sampled_from([0, 8, 128, 1024, 4096]),
    seed=st.integers(0, 2**32 - 1),
    low_counts=st.booleans(),
    packer=st.sampled_from(["lz4", "zstd"]),
)
def test_bitshuffle_chunks_of_any_size_and_block_decode(
    dtype: str, size: int, block: int, seed: int, low_counts: bool, packer: str
) -> None:
    rng = np.random.default_rng(seed)
    limits = np.iinfo(dtype)
    top = 4 if low_counts else limits.max
    pixels = rng.integers(0 if low_counts else limits.min, top, size, dtype=dtype, endpoint=True)
    chunk = packed(pixels, **hdf5plugin.Bitshuffle(nelems=block, cname=packer))
    state, counts = decoded(chunk, size, dtype, zstd=packer == "zstd")
    assert state == AS_EXPECTED
    np.testing.assert_array_equal(counts, pixels)


@settings(deadline=None, max_examples=200)
@given(data=st.data(), dtype=st.sampled_from(DTYPES), packer=st.sampled_from(["lz4", "zstd"]))
def test_a_damaged_bitshuffle_chunk_writes_nothing_beyond_its_counts(
    data: st.DataObject, dtype: str, packer: str
) -> None:
    pixels = np.random.default_rng(1).poisson(3, 5000).astype(dtype)
    chunk = bytearray(packed(pixels, **hdf5plugin.Bitshuffle(cname=packer)).tobytes())
    for place in data.draw(st.lists(st.integers(0, len(chunk) - 1), max_size=5)):
        chunk[place] = data.draw(st.integers(0, 255))
    damaged = np.frombuffer(bytes(chunk[: data.draw(st.integers(0, len(chunk)))]), np.uint8)
    memory = np.full(pixels.size + 64, 77, dtype)
    counts = memory[32:-32]

    state = decode_bitshuffle(damaged, counts, np.empty(0, np.uint8), 0, zstd=packer == "zstd")

    assert state in (AS_EXPECTED, DAMAGED)
    assert (memory[:32] == 77).all()
    assert (memory[-32:] == 77).all()


@settings(deadline=None, max_examples=150)
@given(
    dtype=st.sampled_from(DTYPES),
    size=st.integers(1, 12_000),
    share=st.floats(0, 1),
    data=st.data(),
)
def test_the_decoder_notices_one_count_more_or_less_outside_anywhere(
    dtype: str, size: int, share: float, data: st.DataObject
) -> None:
    limits = np.iinfo(dtype)
    high = data.draw(st.integers(0, limits.max - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    pixels = rng.integers(0, high, size, dtype=dtype, endpoint=True)
    odd = rng.random(size) < share
    pixels[odd] = rng.integers(high + 1, limits.max, int(odd.sum()), dtype=dtype, endpoint=True)
    if limits.min < 0:
        negative = odd & (rng.random(size) < 0.5)
        pixels[negative] = rng.integers(limits.min, -1, int(negative.sum()), dtype=dtype, endpoint=True)
    chunk = packed(pixels, **hdf5plugin.Bitshuffle())
    counts = np.zeros(size, dtype)

    def state(outside: NDArray[np.bool_]) -> int:
        return decode_bitshuffle(chunk, counts, np.packbits(outside, bitorder="little"), high)

    assert state(odd) == AS_EXPECTED
    np.testing.assert_array_equal(counts, pixels)
    place = data.draw(st.integers(0, size - 1))
    odd[place] = not odd[place]
    assert state(odd) == UNEXPECTED
