"""Chunks of every filter decode, with or without HDF5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from detector_files import counts
from hdf5_files import stack
from run_checks import readable_frames

from fedbragg.images import open_run
from fedbragg.types import Frame, Unreadable

FILTERS: dict[str, Any] = {
    "none": {},
    "gzip": {"compression": "gzip"},
    "shuffle and gzip": {"compression": "gzip", "shuffle": True},
    "checksum": {"fletcher32": True},
    "lzf": {"compression": "lzf"},
    "lz4": dict(hdf5plugin.LZ4()),
    "bitshuffle": dict(hdf5plugin.Bitshuffle()),
    "bitshuffle, small blocks": dict(hdf5plugin.Bitshuffle(nelems=512)),
    "bitshuffle without lz4": dict(hdf5plugin.Bitshuffle(cname="none")),
    "bitshuffle-zstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "blosc": dict(hdf5plugin.Blosc()),
}


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i4", "i2", ">u2", ">i4"])
def test_every_hdf5_filter_gives_the_counts_and_masks_the_maximum(
    tmp_path: Path, dtype: str, filters: str
) -> None:
    frames = np.minimum(counts(dtype, (3, 67, 83)), 100)
    frames[:, :, 5] = np.iinfo(dtype).max
    frames[1, 40, 41] = np.iinfo(dtype).max
    stack(tmp_path / "run.h5", frames, FILTERS[filters])

    read = readable_frames(open_run(tmp_path / "run.h5"))

    for frame, expected in zip(read, frames, strict=True):
        assert frame.counts.dtype == np.dtype(dtype).newbyteorder("=")
        np.testing.assert_array_equal(frame.counts, expected)
        np.testing.assert_array_equal(frame.mask, expected == np.iinfo(dtype).max)
    assert read[0].mask is read[2].mask
    assert read[0].mask is not read[1].mask


@pytest.mark.parametrize("dtype", ["u8", "i8"])
def test_64_bit_counts_packed_with_bitshuffle_keep_their_values(tmp_path: Path, dtype: str) -> None:
    frames = counts("u4", (1, 67, 83)).astype(dtype) % 1000
    stack(tmp_path / "run.h5", frames, FILTERS["bitshuffle"])
    np.testing.assert_array_equal(readable_frames(open_run(tmp_path / "run.h5"))[0].counts, frames[0])


def test_a_damaged_chunk_is_unreadable_and_its_neighbours_are_not(tmp_path: Path) -> None:
    frames = counts("u2", (3, 60, 70))
    stack(tmp_path / "run.h5", frames, dict(hdf5plugin.Bitshuffle()))
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        identifier = file["entry/data/data"].id
        _, chunk = identifier.read_direct_chunk((1, 0, 0))
        identifier.write_direct_chunk((1, 0, 0), chunk[:16] + b"\xff" * (len(chunk) - 16))
    read = list(open_run(tmp_path / "run.h5").frames())
    assert [type(frame) for frame in read] == [Frame, Unreadable, Frame]
    assert isinstance(read[1], Unreadable)
    assert "damaged" in read[1].reason
