"""Pixels of any number type become counts, or are refused."""

from __future__ import annotations

from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from detector_files import counts
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.errors import FrameError
from fedbragg.images import open_run
from fedbragg.images.counts import as_counts


def test_whole_numbers_in_floats_and_in_64_bits_become_counts(tmp_path: Path) -> None:
    values = counts("f4")
    values[0, 0] = np.nan
    np.save(tmp_path / "float.npy", values)
    wide = counts("u8")
    wide[1, 1] = np.iinfo(np.uint64).max
    np.save(tmp_path / "wide.npy", wide)

    from_floats, from_wide = open_run(tmp_path / "float.npy")[0], open_run(tmp_path / "wide.npy")[0]

    assert from_floats.counts.dtype == np.int32
    assert [tuple(place) for place in np.argwhere(from_floats.mask)] == [(0, 0)]
    assert from_wide.counts.dtype == np.uint32
    assert [tuple(place) for place in np.argwhere(from_wide.mask)] == [(1, 1)]


@pytest.mark.parametrize("value", [0.5, 1e12])
def test_fractions_and_large_floats_stay_floats_and_their_gaps_are_masked(
    tmp_path: Path, value: float
) -> None:
    pixels = np.full((60, 70), value)
    pixels[0, :4] = np.nan, np.inf, -1.0, -2.0
    np.save(tmp_path / "a.npy", pixels)
    frame = open_run(tmp_path / "a.npy")[0]
    assert frame.counts.dtype == np.float32
    assert np.argwhere(frame.mask).tolist() == [[0, 0], [0, 1], [0, 2], [0, 3]]
    assert (frame.counts[~frame.mask] == np.float32(value)).all()


def test_float_frames_with_equal_gaps_share_a_mask(tmp_path: Path) -> None:
    pixels = np.full((3, 60, 70), 0.25, np.float32)
    pixels[:2, 5, 6] = np.nan
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("entry/data/data", data=pixels, chunks=(1, 60, 70), **hdf5plugin.Bitshuffle())
    first, second, third = (frame for frame in open_run(tmp_path / "a.h5").frames())
    assert first.mask is second.mask
    assert first.mask[5, 6]
    assert not third.mask.any()


@settings(deadline=None)
@given(
    values=st.lists(st.integers(0, 200), min_size=6, max_size=6),
    dtype=st.sampled_from(["u1", "i2", ">u2", "u4", ">i4", "i8", "u8", "f4", ">f8"]),
    shape=st.sampled_from([(2, 3), (6, 1), (1, 2, 3), (3, 2, 1)]),
)
def test_counts_keep_their_values_in_rows_and_columns(
    values: list[int], dtype: str, shape: tuple[int, ...]
) -> None:
    counts = as_counts(np.array(values).reshape(shape).astype(dtype), "a.x", 0)
    assert counts.ravel().tolist() == values
    assert counts.ndim == 2
    assert counts.shape[1] == shape[-1]
    assert counts.dtype.kind in "iu"
    assert counts.dtype.itemsize <= 4
    assert counts.dtype.isnative


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((0, 3), np.uint16), "not an image"),
        (np.zeros(3, np.uint16), "not an image"),
        (np.zeros((2, 3), np.complex64), "complex64, not counts"),
        (np.full((2, 3), 1e40), "float64 values beyond 1e30"),
        (np.full((2, 3), 2**40, np.int64), "counts beyond int32"),
        (np.full((2, 3), -(2**40), np.int64), "counts beyond int32"),
    ],
)
def test_what_is_no_image_of_counts_is_refused(pixels: np.ndarray, words: str) -> None:
    with pytest.raises(FrameError, match=rf"a\.x frame 7: .*{words}"):
        as_counts(pixels, "a.x", 7)
