"""The byte-offset compression of CBF, against fabio and by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.images.codecs.byte_offset import decode_byte_offset


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(-(2**30), 2**30 - 1), min_size=1, max_size=300)
)  # fabio's differences stay in 32 bits
def test_byte_offset_decodes_what_fabio_packs(values: list[int]) -> None:
    from fabio.compression import compByteOffset

    pixels = np.array(values, np.int32)
    binary = np.frombuffer(compByteOffset(pixels), np.uint8)
    counts = np.zeros_like(pixels)
    assert decode_byte_offset(binary, counts)
    np.testing.assert_array_equal(counts, pixels)
    assert not decode_byte_offset(binary[:-1], counts)
    assert not decode_byte_offset(np.append(binary, np.uint8(0)), counts)


def test_byte_offset_by_hand() -> None:
    """1, +2, then -300 in two bytes after 0x80, then +70000 in four after 0x80 0x8000."""
    binary = bytes([1, 2, 0x80]) + (-300).to_bytes(2, "little", signed=True)
    binary += bytes([0x80, 0x00, 0x80]) + (70000).to_bytes(4, "little", signed=True)
    counts = np.zeros(4, np.int32)
    assert decode_byte_offset(np.frombuffer(binary, np.uint8), counts)
    assert counts.tolist() == [1, 3, -297, 69703]


@settings(deadline=None, max_examples=150)
@given(binary=st.binary(max_size=200), size=st.integers(1, 100), dtype=st.sampled_from(["i4", "u2", "i1"]))
def test_any_bytes_fill_the_counts_or_are_refused(binary: bytes, size: int, dtype: str) -> None:
    memory = np.full(size + 16, 77, dtype)
    decoded = decode_byte_offset(np.frombuffer(binary, np.uint8), memory[8:-8])
    assert (memory[:8] == 77).all()
    assert (memory[-8:] == 77).all()
    assert decoded == (fitting_bytes(binary, size) == len(binary))


def fitting_bytes(binary: bytes, pixels: int) -> int | None:
    """Return the bytes that so many pixels take, following the definition; None where they end too early."""
    position = 0
    for _ in range(pixels):
        for width in (1, 2, 4, 8):
            if position + width > len(binary):
                return None
            difference = int.from_bytes(binary[position : position + width], "little", signed=True)
            position += width
            if difference != -(1 << (8 * width - 1)):
                break
    return position
