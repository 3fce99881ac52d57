"""The pass over the pixels against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frames import blocks_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

LARGEST = {"uint8": 255, "uint16": 65535, "uint32": 2**32 - 1, "int32": 2**31 - 1}


@st.composite
def frames(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[np.bool_], int]:
    """Return random counts up to the dtype's largest and a random mask, rarely of a multiple of the block size."""
    dtype = draw(st.sampled_from(sorted(LARGEST)))
    block = draw(st.integers(2, 9))
    shape = draw(st.tuples(st.integers(block, 40), st.integers(block, 40)))
    top = draw(st.sampled_from([1, 30, LARGEST[dtype]]))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    counts = generator.integers(0, top, shape, dtype=np.int64, endpoint=True).astype(dtype)
    mask = generator.random(shape) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    return counts, mask, block


def by_numpy(values: NDArray[Any], block: int) -> NDArray[Any]:
    """Cut to whole blocks: (cell rows, cell cols, block * block)."""
    rows, cols = values.shape[0] // block, values.shape[1] // block
    cut = values[: rows * block, : cols * block].reshape(rows, block, cols, block)
    return cut.transpose(0, 2, 1, 3).reshape(rows, cols, block * block)


@given(frames())
@settings(max_examples=150, deadline=None)
def test_block_sums_are_numpys(made: tuple[NDArray[Any], NDArray[np.bool_], int]) -> None:
    counts, mask, block = made
    blocks = blocks_of(counts, block, mask)
    used = by_numpy(~mask, block)
    values = by_numpy(counts.astype(np.float64), block) * used
    np.testing.assert_array_equal(blocks.valid, used.sum(axis=2))
    np.testing.assert_allclose(blocks.total, values.sum(axis=2), rtol=1e-6)
    np.testing.assert_array_equal(blocks.peak, values.max(axis=2).astype(np.float32))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_sums_of_counts_that_float32_holds_are_exact(dtype: str) -> None:
    counts = np.random.default_rng(1).integers(0, LARGEST[dtype], (64, 96), dtype=dtype, endpoint=True)
    total = blocks_of(counts, 8).total
    np.testing.assert_array_equal(total, by_numpy(counts.astype(np.int64), 8).sum(axis=2))


def test_values_below_zero_count_in_the_sum_and_not_as_peak() -> None:
    counts = np.full((6, 6), -3, np.int32)
    counts[1, 1] = 7
    counts[4, 4] = -1
    blocks = blocks_of(counts, 3)
    np.testing.assert_array_equal(blocks.valid, 9)
    np.testing.assert_array_equal(blocks.total, [[-17, -27], [-27, -25]])
    np.testing.assert_array_equal(blocks.peak, [[7, 0], [0, 0]])


def test_pixels_beyond_the_last_whole_block_are_left_out() -> None:
    counts = np.zeros((17, 19), np.uint16)
    counts[16, :] = counts[:, 16:] = 500
    blocks = blocks_of(counts, 8)
    assert blocks.valid.shape == (2, 2)
    assert not blocks.total.any()
    assert not blocks.peak.any()


def test_sampled_blocks_variance_is_that_of_sums_over_three_by_three() -> None:
    """Against numpy: differences of the quarters' 3 x 3 sums, a - b - c + d, squared, over 4 x 9."""
    counts = np.random.default_rng(3).poisson(20, (480, 640)).astype(np.uint16)
    blocks = blocks_of(counts, 8)
    assert blocks.step == 1 and blocks.variance.size == 60 * 80
    sums = np.lib.stride_tricks.sliding_window_view(counts.astype(np.float64), (3, 3)).sum(axis=(2, 3))
    for sample in (0, 81, 4799):
        row, column = sample // 80 * 8, sample % 80 * 8
        a, b, c, d = (
            sums[row + i : row + i + 2, column + j : column + j + 2] for i in (0, 4) for j in (0, 4)
        )
        assert blocks.variance[sample] == pytest.approx(np.mean((a - b - c + d) ** 2) / 36)
    assert blocks.variance.mean() == pytest.approx(20, rel=0.05)


def test_samples_are_spread_over_a_large_frame() -> None:
    counts = np.zeros((1600, 1600), np.uint16)
    counts[796, 44] = 90  # block (99, 5) is sampled, and the only one whose variance is not 0
    blocks = blocks_of(counts, 8)
    assert blocks.step == 13
    sampled = range(6, 200 * 200, 13)
    assert blocks.variance.size == len(sampled)
    lit = [k for k, cell in enumerate(sampled) if cell == 99 * 200 + 5]
    assert np.flatnonzero(blocks.variance).tolist() == lit


def test_blocks_without_room_for_sums_have_variance_zero() -> None:
    counts = np.random.default_rng(3).poisson(20, (40, 40)).astype(np.uint16)
    assert not blocks_of(counts, 5).variance.any()
