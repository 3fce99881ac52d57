"""The compiled comparisons agree with NumPy's on every frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.images.codecs.sentinels import mask_equals, outside_equals


@settings(deadline=None)
@given(dtype=st.sampled_from(["u1", "i2", "u4"]), size=st.integers(1, 300), data=st.data())
def test_a_mask_holds_exactly_when_numpy_says_so(dtype: str, size: int, data: st.DataObject) -> None:
    limits = np.iinfo(dtype)
    bounds = np.sort(data.draw(st.tuples(*[st.integers(limits.min, limits.max)] * 2))).astype(dtype)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    counts = rng.integers(limits.min, limits.max, size, dtype=dtype, endpoint=True)
    file_mask = rng.random(size) < 0.3
    outside = (counts < bounds[0]) | (counts > bounds[1])
    assert outside_equals(outside, counts, bounds)
    assert mask_equals(outside | file_mask, file_mask, counts, bounds)

    pixel = data.draw(st.integers(0, size - 1))
    other = outside.copy()
    other[pixel] = not other[pixel]
    assert not outside_equals(other, counts, bounds)
    mask = outside | file_mask
    mask[pixel] = not mask[pixel]
    assert not mask_equals(mask, file_mask, counts, bounds)


@pytest.mark.parametrize(("count", "outside"), [(-1, True), (0, False), (900, False), (901, True)])
def test_both_bounds_are_trusted(count: int, outside: bool) -> None:
    counts, bounds = np.array([count], np.int32), np.array([0, 900], np.int32)
    assert outside_equals(np.array([outside]), counts, bounds)
    assert not outside_equals(np.array([not outside]), counts, bounds)
