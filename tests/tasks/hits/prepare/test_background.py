"""The local background on planes and steps of known value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.background import in_photons, local_background


def of_mean(mean: NDArray[np.float64], valid: float = 64.0) -> NDArray[np.float32]:
    share = np.full(mean.shape, valid, np.float32)
    return local_background(share, (mean * valid).astype(np.float32), 16.0)


def test_the_background_of_a_plane_is_the_plane() -> None:
    rows, columns = np.mgrid[:12, :15]
    plane = 5 + 0.25 * rows + 0.5 * columns
    np.testing.assert_allclose(of_mean(plane)[2:-2, 2:-2], plane[2:-2, 2:-2], rtol=1e-6)


def test_a_block_with_a_spot_does_not_count() -> None:
    mean = np.full((9, 9), 2.0)
    mean[4, 4] = 500.0
    np.testing.assert_allclose(of_mean(mean), 2.0)


def test_masked_blocks_take_a_neighbours_value() -> None:
    valid = np.full((6, 6), 64, np.float32)
    total = np.full((6, 6), 64 * 3.0, np.float32)
    valid[0] = valid[3, :2] = valid[:, 5] = 0  # a whole first row, the start of a row, the end of every row
    total[valid == 0] = 0
    result = local_background(valid, total, 16.0)
    np.testing.assert_allclose(result[1:], 3.0, rtol=1e-6)


def test_fully_masked_first_rows_take_values_from_below() -> None:
    valid = np.full((6, 6), 64, np.float32)
    total = np.full((6, 6), 64 * 3.0, np.float32)
    valid[:2] = total[:2] = 0
    np.testing.assert_allclose(local_background(valid, total, 16.0), 3.0, rtol=1e-6)


def filled(valid: NDArray[np.float32], total: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means, filled as the text says, block by block."""
    known = valid >= 16
    if not known.any():
        return np.zeros(valid.shape, np.float32)
    rows = [row for row in range(len(valid)) if known[row].any()]
    mean = np.empty(valid.shape, np.float32)
    for row in range(len(valid)):
        source = max((one for one in rows if one <= row), default=rows[0])
        cols = np.flatnonzero(known[source])
        for col in range(valid.shape[1]):
            near = max((one for one in cols if one <= col), default=cols[0])
            mean[row, col] = total[source, near] / valid[source, near]
    return mean


@given(
    shape=st.tuples(st.integers(3, 12), st.integers(3, 12)),
    hidden=st.sampled_from([0.0, 0.2, 0.9]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_it_is_the_mean_of_the_medians_of_row_medians(
    shape: tuple[int, int], hidden: float, seed: int
) -> None:
    """At an edge there is nothing to take a median or a mean across it."""
    generator = np.random.default_rng(seed)
    valid = np.where(generator.random(shape) < hidden, 5, 64).astype(np.float32)
    total = (64 * generator.gamma(1.0, 3.0, shape)).astype(np.float32)
    values = filled(valid, total)
    for combine in (np.median, np.mean):
        for axis in (1, 0):
            values = np.moveaxis(values, axis, 0)
            inner = combine(np.stack([values[:-2], values[1:-1], values[2:]]), axis=0)
            values = np.moveaxis(np.concatenate([values[:1], inner, values[-1:]]), 0, axis)
    np.testing.assert_allclose(local_background(valid, total, 16.0), values, rtol=1e-5)


def test_it_is_given_in_photons_and_never_below_none() -> None:
    counts = np.array([[10.0, 4.0], [1.0, 2.0]], np.float32)
    assert in_photons(counts, np.float32(0.5), np.float32(-1.0)).tolist() == [[4.0, 1.0], [0.0, 0.0]]


def test_a_fully_masked_frame_has_no_background() -> None:
    nothing = np.zeros((5, 5), np.float32)
    assert not local_background(nothing, nothing, 16.0).any()


@pytest.mark.parametrize("level", [0.01, 1.0, 300.0])
def test_noise_is_averaged_without_bias(level: float) -> None:
    """A Poisson mean over 40 x 40 blocks of 64 pixels; the median of few counts is low by up to a third of one."""
    counts = np.random.default_rng(1).poisson(64 * level, (40, 40)).astype(np.float32)
    result = local_background(np.full((40, 40), 64, np.float32), counts, 16.0)
    assert result.mean() == pytest.approx(level, abs=(1 / 3) / 64 + 0.01 * level**0.5)
