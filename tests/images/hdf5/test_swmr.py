"""Whether a writer still has an HDF5 file open is known from the file alone."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from fedbragg.images.hdf5.swmr import open_swmr, writer_has_closed


def test_a_writer_marks_the_file_until_it_closes_it(tmp_path: Path) -> None:
    path = str(tmp_path / "live.h5")
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset("data", (1, 4, 5), np.uint16, maxshape=(None, 4, 5), chunks=(1, 4, 5))
        file.swmr_mode = True
        data.flush()
        assert not writer_has_closed(path)
        with open_swmr(path) as reader:
            assert reader["data"].shape == (1, 4, 5)
    assert writer_has_closed(path)


def test_files_of_old_versions_carry_no_mark(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "old.h5", "w", libver=("earliest", "v108")) as file:
        file["data"] = np.zeros(3)
    assert writer_has_closed(str(tmp_path / "old.h5"))
    with open_swmr(str(tmp_path / "old.h5")) as reader:
        assert reader["data"].shape == (3,)


def test_a_missing_or_empty_file_is_not_finished(tmp_path: Path) -> None:
    assert not writer_has_closed(str(tmp_path / "missing.h5"))
    (tmp_path / "empty.h5").touch()
    assert not writer_has_closed(str(tmp_path / "empty.h5"))
