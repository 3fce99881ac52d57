"""Frames with equal masks share one array."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.images.counts import NO_NUMBER
from fedbragg.images.mask import MaskCache, TrustedRange, has_noise_below_zero


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


@settings(deadline=None, max_examples=60)
@given(data=st.data(), dtype=st.sampled_from(["u1", "u2", "i4"]))
def test_a_mask_is_file_mask_or_outside_the_trusted_range_whatever_came_before(
    data: st.DataObject, dtype: str
) -> None:
    cache, limits = MaskCache(), np.iinfo(dtype)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    trusted = TrustedRange(high=data.draw(st.one_of(st.none(), st.integers(1, 200))))
    for _ in range(data.draw(st.integers(1, 12))):
        counts = rng.choice([limits.min, 0, 50, 150, limits.max], (3, 4)).astype(dtype)
        file_mask = cache.shared_file_mask(np.eye(3, 4, dtype=bool) if rng.random() < 0.5 else None)
        low, high = trusted.bounds(counts.dtype)
        expected = (counts < low) | (counts > high) | (False if file_mask is None else file_mask)
        np.testing.assert_array_equal(cache.mask_of(counts, file_mask, trusted), expected)


def test_noise_about_a_pedestal_is_told_from_the_signs_of_gaps() -> None:
    generator = np.random.default_rng(1)
    noise = np.rint(generator.normal(20, 12, (300, 400)))  # 5 % lie below zero
    gaps = generator.poisson(20, (300, 400))
    gaps[:, 100:110], gaps[5, 5] = -1, -2
    assert has_noise_below_zero(noise.astype(np.int16)) and not has_noise_below_zero(gaps.astype(np.int32))
    assert has_noise_below_zero((noise * 0.31).astype(np.float32))
    assert not has_noise_below_zero((gaps * 1.0).astype(np.float32))
    assert not has_noise_below_zero(gaps.astype(np.uint16))


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
def test_values_below_zero_that_are_noise_are_not_masked(dtype: type) -> None:
    counts = np.rint(np.random.default_rng(2).normal(3, 5, (200, 300))).astype(dtype)
    if dtype == np.float32:
        counts = (counts + np.random.default_rng(3).uniform(0, 0.4, counts.shape)).astype(dtype)
        counts[4, 7] = NO_NUMBER
    else:
        counts[4, 7] = np.iinfo(dtype).min
    mask = MaskCache().mask_of(counts, None, TrustedRange())
    assert np.argwhere(mask).tolist() == [[4, 7]]
    valid = counts[~mask].astype(float)
    assert valid.mean() == pytest.approx(counts.ravel()[counts.ravel() > -1000].mean())


def test_a_lower_limit_that_the_file_gives_holds_for_noise_too() -> None:
    assert TrustedRange(low=-10).bounds(np.dtype(np.int16), noise=True)[0] == -10
    assert TrustedRange(low=-10).bounds(np.dtype(np.float32), noise=True)[0] == -10
    assert TrustedRange(low=-1).bounds(np.dtype(np.int16), noise=True)[0] == -32767
