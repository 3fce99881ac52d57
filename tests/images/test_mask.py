from __future__ import annotations

import numpy as np
import pytest

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.mask import MaskCache, TrustedRange


def frame(*outside: tuple[int, int], value: int = 65535) -> np.ndarray:
    counts = np.full((6, 8), 3, np.uint16)
    for place in outside:
        counts[place] = value
    return counts


def test_equal_masks_are_one_array_and_others_are_their_own() -> None:
    cache = MaskCache()
    first = cache.mask_of(frame((1, 1)), None, TrustedRange())
    odd = cache.mask_of(frame((1, 1), (2, 2)), None, TrustedRange())
    again = cache.mask_of(frame((1, 1)), None, TrustedRange())
    odd_again = cache.mask_of(frame((1, 1), (2, 2)), None, TrustedRange())

    assert first is again
    assert odd is odd_again
    assert np.argwhere(first).tolist() == [[1, 1]]
    assert np.argwhere(odd).tolist() == [[1, 1], [2, 2]]
    assert not first.flags.writeable


def test_what_the_file_masks_may_hold_anything() -> None:
    cache = MaskCache()
    file_mask = cache.shared_file_mask(np.arange(48).reshape(6, 8) == 10)
    plain = cache.mask_of(frame(), file_mask, TrustedRange())
    hot = cache.mask_of(frame((1, 2)), file_mask, TrustedRange())
    assert plain is hot
    assert np.argwhere(plain).tolist() == [[1, 2]]
    assert cache.shared_file_mask(np.arange(48).reshape(6, 8) == 10) is file_mask


def test_dtypes_and_thresholds_keep_their_own_masks() -> None:
    cache = MaskCache()
    narrow = cache.mask_of(frame((1, 1)), None, TrustedRange())
    wide = cache.mask_of(frame((1, 1)).astype(np.uint32), None, TrustedRange())
    lower = cache.mask_of(frame((1, 1)), None, TrustedRange(high=2))
    assert [int(mask.sum()) for mask in (narrow, wide, lower)] == [1, 0, 48]


@pytest.mark.parametrize(
    ("trusted", "dtype", "low", "high"),
    [
        (TrustedRange(), "u2", 0, 65534),
        (TrustedRange(), "i4", 0, 2**31 - 2),
        (TrustedRange(high=1e12), "u2", 0, 65534),
        (TrustedRange(high=999.5), "u2", 0, 999),
        (TrustedRange(low=-100), "i2", -100, 32766),
        (TrustedRange(low=-2), "i4", 0, 2**31 - 2),
        (TrustedRange(low=-1e9), "u1", 0, 254),
    ],
)
def test_trusted_counts_end_before_the_sentinels(
    trusted: TrustedRange, dtype: str, low: int, high: int
) -> None:
    assert trusted.bounds(np.dtype(dtype)).tolist() == [low, high]


def test_memory_comes_back_when_the_last_view_is_gone() -> None:
    pool = BufferPool(spare=2)
    first = pool.take((4, 5), np.dtype(np.uint16))
    address = first.__array_interface__["data"][0]
    view = first[1:, 2:].T
    del first
    other = pool.take((4, 5), np.dtype(np.uint16))
    assert other.__array_interface__["data"][0] != address  # the view still looks at it
    view[...] = 9
    del view
    assert pool.take((4, 5), np.dtype(np.uint16)).__array_interface__["data"][0] == address


def test_a_pool_serves_frames_of_another_size() -> None:
    pool = BufferPool(spare=2)
    pool.take((4, 5), np.dtype(np.uint16))
    assert pool.take((7, 9), np.dtype(np.int32)).shape == (7, 9)
