"""LZ4 chunks of hdf5plugin decode; damaged ones do no harm."""

from __future__ import annotations

import hdf5plugin
import numpy as np
from hdf5_files import packed
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.images.codecs.lz4 import decode_lz4


@settings(deadline=None, max_examples=40)
@given(size=st.integers(1, 20_000), block=st.sampled_from([0, 256, 5000]), seed=st.integers(0, 2**32 - 1))
def test_lz4_chunks_decode(size: int, block: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).poisson(1, size).astype(np.uint16)
    chunk = packed(pixels, **hdf5plugin.LZ4(nbytes=block))
    counts = np.zeros_like(pixels)
    assert decode_lz4(chunk, counts.view(np.uint8))
    np.testing.assert_array_equal(counts, pixels)
    assert not decode_lz4(chunk[:-1], counts.view(np.uint8))


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_damaged_lz4_chunk_writes_nothing_beyond_its_counts(data: st.DataObject) -> None:
    pixels = np.random.default_rng(1).poisson(3, 3000).astype(np.uint16)
    chunk = bytearray(packed(pixels, **hdf5plugin.LZ4(nbytes=1024)).tobytes())
    for place in data.draw(st.lists(st.integers(0, len(chunk) - 1), max_size=5)):
        chunk[place] = data.draw(st.integers(0, 255))
    damaged = np.frombuffer(bytes(chunk[: data.draw(st.integers(0, len(chunk)))]), np.uint8)
    memory = np.full(pixels.nbytes + 64, 77, np.uint8)

    decode_lz4(damaged, memory[32:-32])

    assert (memory[:32] == 77).all()
    assert (memory[-32:] == 77).all()
