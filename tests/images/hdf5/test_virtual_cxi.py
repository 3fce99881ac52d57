"""Virtual CXI files as EXtra-data writes them for AGIPD and Jungfrau: modules joined from several files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from fedbragg.images import open_run

MODULES, ROWS, COLS = 3, 40, 32


def virtual_cxi(folder: Path, frames: int = 4, without: int | None = None) -> np.ndarray:
    """Write corrected floats of each module to a file of its own, and the CXI file that joins them; return all."""
    generator = np.random.default_rng(1)
    counts = generator.normal(3, 2, (frames, MODULES, ROWS, COLS)).astype(np.float32)
    mask = np.zeros(counts.shape, np.uint32)
    mask[:, :, 0, :] = 1  # a bad row in every module
    mask[2, 1, 5, 7] = 4  # and a pixel in one frame
    mask[:, :, 3, :] = 0x4000  # CXI: background subtracted, can be used
    layout = h5py.VirtualLayout(counts.shape, np.float32)
    masks = h5py.VirtualLayout(mask.shape, np.uint32)
    for module in range(MODULES):
        if module == without:
            counts[:, module] = np.nan
            continue
        with h5py.File(folder / f"CORR-R0001-AGIPD{module:02}-S00000.h5", "w") as file:
            file["INSTRUMENT/image/data"] = counts[:, module]
            file["INSTRUMENT/image/mask"] = mask[:, module]
            layout[:, module] = h5py.VirtualSource(file["INSTRUMENT/image/data"])
            masks[:, module] = h5py.VirtualSource(file["INSTRUMENT/image/mask"])
    with h5py.File(folder / "run.cxi", "w") as file:
        file["cxi_version"] = 150
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector.create_virtual_dataset("data", layout, fillvalue=np.nan)
        detector.create_virtual_dataset("mask", masks, fillvalue=1)
        detector["module_identifier"] = np.arange(MODULES)
        file["entry_1/data_1/data"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/data")
        file["entry_1/cellId"] = np.arange(frames)
        file["entry_1/pulseId"] = np.arange(frames)
    return counts


def test_modules_are_panels_with_the_mask_of_each_frame(tmp_path: Path) -> None:
    counts = virtual_cxi(tmp_path)
    run = open_run(tmp_path / "run.cxi")
    assert len(run) == 4
    frame = run[2]
    np.testing.assert_array_equal(frame.counts, counts[2].reshape(-1, COLS))
    assert frame.panels == tuple((i * ROWS, (i + 1) * ROWS, 0, COLS) for i in range(MODULES))
    assert frame.mask[::ROWS].all() and frame.mask[ROWS + 5, 7] and not run[1].mask[ROWS + 5, 7]
    assert not frame.mask[3::ROWS].any() and frame.mask.sum() == MODULES * COLS + 1


@pytest.mark.parametrize("without", [0, 2])
def test_a_module_that_no_file_has_is_masked(tmp_path: Path, without: int) -> None:
    counts = virtual_cxi(tmp_path, without=without)
    frame = open_run(tmp_path / "run.cxi")[0]
    part = slice(without * ROWS, (without + 1) * ROWS)
    assert frame.mask[part].all()
    kept = np.delete(np.arange(MODULES), without)
    np.testing.assert_array_equal(frame.counts.reshape(MODULES, ROWS, COLS)[kept], counts[0][kept])


def test_a_file_that_is_gone_is_reported(tmp_path: Path) -> None:
    virtual_cxi(tmp_path)
    (tmp_path / "CORR-R0001-AGIPD01-S00000.h5").unlink()
    assert [type(frame).__name__ for frame in open_run(tmp_path / "run.cxi").frames()] == ["Unreadable"] * 4
