"""The pass over the pixels, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fedbragg.prepare.pixels import block_sums

LARGEST = {"uint8": 255, "uint16": 65535, "uint32": 2**32 - 1, "int32": 2**31 - 1}


@st.composite
def frames(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[np.bool_], int]:
    """Random counts up to the dtype's largest, a random mask, edges that are seldom a multiple of the block."""
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
    valid, total, peak = block_sums(counts, mask, block)
    used = by_numpy(~mask, block)
    values = by_numpy(counts.astype(np.float64), block) * used
    np.testing.assert_array_equal(valid, used.sum(axis=2))
    np.testing.assert_allclose(total, values.sum(axis=2), rtol=1e-6)
    np.testing.assert_array_equal(peak, values.max(axis=2).astype(np.float32))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_sums_of_counts_that_float32_holds_are_exact(dtype: str) -> None:
    counts = np.random.default_rng(1).integers(0, LARGEST[dtype], (64, 96), dtype=dtype, endpoint=True)
    _, total, _ = block_sums(counts, np.zeros(counts.shape, np.bool_), 8)
    np.testing.assert_array_equal(total, by_numpy(counts.astype(np.int64), 8).sum(axis=2))


def test_values_below_zero_count_in_the_sum_and_not_as_peak() -> None:
    counts = np.full((6, 6), -3, np.int32)
    counts[1, 1] = 7
    counts[4, 4] = -1
    valid, total, peak = block_sums(counts, np.zeros(counts.shape, np.bool_), 3)
    np.testing.assert_array_equal(valid, 9)
    np.testing.assert_array_equal(total, [[-17, -27], [-27, -25]])
    np.testing.assert_array_equal(peak, [[7, 0], [0, 0]])


def test_what_is_beyond_the_last_whole_block_is_left_out() -> None:
    counts = np.zeros((17, 19), np.uint16)
    counts[16, :] = counts[:, 16:] = 500
    valid, total, peak = block_sums(counts, np.zeros(counts.shape, np.bool_), 8)
    assert valid.shape == (2, 2)
    assert not total.any()
    assert not peak.any()
