"""The end of CCP4-packed data, against fabio."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.images.codecs.ccp4_pack import packed_size


def test_the_end_of_packed_mar345_data_is_found() -> None:
    from fabio.compression import compPCK

    image = np.random.default_rng(1).poisson(300, (90, 90)).astype(np.uint32)
    stream = compPCK(image)
    body = stream[stream.index(b"\n", stream.index(b"CCP4")) + 1 :]
    size = packed_size(body, image.size)
    assert size is not None
    assert 0 <= len(body) - size < 8
    assert packed_size(body[: size - 1], image.size) is None


@settings(deadline=None, max_examples=60)
@given(
    edge=st.integers(2, 40),
    level=st.sampled_from([0.1, 5.0, 300.0, 40_000.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_end_is_found_whatever_the_counts(edge: int, level: float, seed: int) -> None:
    from fabio.compression import compPCK

    image = np.random.default_rng(seed).poisson(level, (edge, edge)).astype(np.uint32)
    stream = compPCK(image)
    body = stream[stream.index(b"\n", stream.index(b"CCP4")) + 1 :]
    size = packed_size(body, image.size)
    assert size is not None
    assert 0 <= len(body) - size < 8
    assert packed_size(body[: size - 1], image.size) is None


@given(content=st.binary(max_size=100), pixels=st.integers(1, 10_000))
@settings(deadline=None)
def test_any_bytes_have_an_end_within_them_or_none(content: bytes, pixels: int) -> None:
    size = packed_size(content, pixels)
    assert size is None or 0 < size <= len(content)
