"""HDF5 files as facilities write them: frames, geometry and mask together."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from detector_files import counts
from hdf5_files import cxidb, eiger
from run_checks import readable_frames

from fedbragg.images import open_run
from fedbragg.types import Geometry


def test_an_eiger_master_is_one_run_with_geometry_mask_and_saturation(tmp_path: Path) -> None:
    frames = counts("u2", (5, 60, 70))
    run = open_run(eiger(tmp_path, frames))

    assert run.geometry == Geometry("Dectris EIGER2 Si 4M", 0.9763, 0.2, (30.5, 20.25), (75e-6, 75e-6))
    read = readable_frames(run)
    assert [frame.index for frame in read] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal([frame.counts for frame in read], frames)
    expected = frames[0] > 800  # the spots, of 900
    expected[3, 4] = True
    assert expected.sum() == 10
    np.testing.assert_array_equal(read[0].mask, expected)
    assert all(frame.mask is read[0].mask for frame in read)


def test_a_cxi_file_reads_with_its_mask_and_energy(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.cxi", "w") as file:
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["data"] = counts("i2", (2, 60, 70))
        detector["distance"], detector["x_pixel_size"], detector["y_pixel_size"] = 0.08, 110e-6, 110e-6
        detector["mask"] = np.zeros((60, 70), np.uint32)
        detector["mask"][1, 2] = 4  # hot
        detector["mask"][5, 6] = 0x2000  # a hit finder's peak: nothing against it
        file["entry_1/data_1/data"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/data")
        file["entry_1/instrument_1/source_1/energy"] = 9500 * 1.602176634e-19  # joule, as CXI has it

    run = open_run(tmp_path / "run.cxi")

    assert run.geometry.wavelength == pytest.approx(1.30509, abs=1e-5)
    assert run.geometry.distance == 0.08
    assert [tuple(place) for place in np.argwhere(run[1].mask)] == [(1, 2)]


def test_the_cxidb_76_layout_reads_its_chunks_in_order_and_masks_outside_the_tiles(tmp_path: Path) -> None:
    frames = counts("i4", (6, 60, 70))
    frames[:, 0, 0] = np.arange(6)
    frames[:, 20, 10] = -5
    cxidb(tmp_path / "r0087_2000.h5", frames, [0, 0, 30, 70, 30, 0, 60, 70])

    run = open_run(tmp_path / "r0087_2000.h5")

    assert run.geometry.wavelength == 1.3
    assert run.geometry.distance == pytest.approx(0.12)
    assert run.geometry.beam_centre == pytest.approx((30, 20))
    assert run.geometry.pixel_size == pytest.approx((110e-6, 110e-6))
    read = readable_frames(run)
    assert [int(frame.counts[0, 0]) for frame in read] == [0, 1, 2, 3, 4, 5]
    expected = np.ones((60, 70), np.bool_)  # each tile without its outermost pixels
    expected[1:29, 1:69] = False
    expected[31:59, 1:69] = False
    expected[10:13, 20:23] = True  # 900 counts, above the saturation
    np.testing.assert_array_equal(read[0].mask, expected)  # -5 is trusted, for the file says so
