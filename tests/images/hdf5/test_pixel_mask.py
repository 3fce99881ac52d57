"""Pixel masks of HDF5 files."""

from __future__ import annotations

from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from detector_files import counts
from hypothesis import given, settings
from hypothesis import strategies as st
from run_checks import readable_frames

from fedbragg.images import open_run
from fedbragg.images.hdf5.pixel_mask import NAMES, find_pixel_mask, read_pixel_mask


def test_a_mask_for_each_frame_goes_with_its_frame(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.cxi", "w") as file:
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["data"] = counts("u2", (3, 60, 70))
        masks = np.zeros((3, 60, 70), np.uint16)
        masks[1, 7, 8] = 1
        detector["mask"] = masks
        file["entry_1/data_1/data"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/data")
    assert [int(frame.mask.sum()) for frame in readable_frames(open_run(tmp_path / "run.cxi"))] == [0, 1, 0]


@given(bits=st.lists(st.integers(0, 2**16 - 1), min_size=12, max_size=12), name=st.sampled_from(NAMES))
@settings(deadline=None)
def test_a_pixel_is_masked_by_any_bit_but_cxis_valid_ones(bits: list[int], name: str) -> None:
    values = np.array(bits, np.uint32).reshape(3, 4)
    with h5py.File("mask.h5", "w", driver="core", backing_store=False) as file:
        file[f"entry_1/instrument_1/detector_1/{name}"] = values
        mask = read_pixel_mask(find_pixel_mask(file, (3, 4)), 0, (3, 4))
    assert mask is not None
    valid = 0x20 | 0x2000 | 0x4000 if name == "mask" else 0  # CXI file format 1.6, table of pixel flags
    assert mask.tolist() == [[value & ~valid != 0 for value in row] for row in values.tolist()]


def test_active_areas_mask_what_lies_between_them_and_their_outermost_pixels() -> None:
    with h5py.File("mask.h5", "w", driver="core", backing_store=False) as file:
        file["metadata/ACTIVE_AREAS"] = [0, 0, 4, 6, 5, 0, 9, 6]
        mask = read_pixel_mask(find_pixel_mask(file, (9, 6)), 0, (9, 6))
    assert mask is not None
    used = [list(row) for row in zip(*np.nonzero(~mask), strict=True)]
    assert used == [[row, col] for row in (1, 2, 6, 7) for col in (1, 2, 3, 4)]


def test_a_single_active_area_and_a_mask_of_another_size_mask_nothing() -> None:
    with h5py.File("mask.h5", "w", driver="core", backing_store=False) as file:
        file["entry/instrument/detector/pixel_mask"] = np.ones((5, 5), np.uint32)
        assert find_pixel_mask(file, (3, 4)) is None
        file["metadata/ACTIVE_AREAS"] = [0, 0, 3, 4]
        assert find_pixel_mask(file, (3, 4)) is None
        assert read_pixel_mask(None, 0, (3, 4)) is None


PACKED = {
    "bitshuffle": hdf5plugin.Bitshuffle(),
    "gzip": {"compression": "gzip", "shuffle": True},
    "plain": {},
}


@pytest.mark.parametrize("chunks", [(9, 6), (3, 6), None])
@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("dtype", ["u1", "u4", "i8", "?", ">u4"])
def test_a_mask_is_the_same_however_it_is_packed(
    dtype: str, packed: str, chunks: tuple[int, int] | None
) -> None:
    values = np.arange(54).reshape(9, 6) % 4 * 32
    with h5py.File("mask.h5", "w", driver="core", backing_store=False) as file:
        how = PACKED[packed] if chunks else {}
        place = "entry_1/instrument_1/detector_1/mask"
        file.create_dataset(place, data=values.astype(dtype), chunks=chunks, **how)
        mask = read_pixel_mask(find_pixel_mask(file, (9, 6)), 0, (9, 6))
    bits = 0x40 if dtype not in ("u1", "?") else 0xFF  # 0x20 says nothing in CXI's 32 bits
    assert mask is not None
    assert mask.tolist() == (values & bits != 0).tolist()


def test_a_damaged_mask_is_reported_as_hdf5_reports_it() -> None:
    with h5py.File("mask.h5", "w", driver="core", backing_store=False) as file:
        place = "entry_1/instrument_1/detector_1/mask"
        packed = file.create_dataset(
            place, data=np.ones((64, 64), np.uint32), chunks=(64, 64), **hdf5plugin.Bitshuffle()
        )
        packed.id.write_direct_chunk((0, 0), b"no bitshuffle")
        with pytest.raises(OSError, match="filter"):
            read_pixel_mask(find_pixel_mask(file, (64, 64)), 0, (64, 64))
