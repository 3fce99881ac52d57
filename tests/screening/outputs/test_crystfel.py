"""Frames as CrystFEL's list of events names them: crystfel_geometry(5), "Multiple frames per file"."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from example_runs import eiger_run, nxmx_run

from fedbragg.images import open_run
from fedbragg.screening.outputs.crystfel import event_line
from fedbragg.types import Unreadable, Verdict


def names_of(path: Path) -> list[str]:
    """Return the names of all frames of a file, without the path."""
    frames = open_run(path).frames()
    lines = [event_line(Verdict(f.path, f.index, 0.9, True, event=f.event)) for f in frames]
    assert all(line.startswith(f"{path} ") for line in lines)
    return [line.removeprefix(f"{path} ") for line in lines]


def test_frames_of_one_stack_are_numbered(tmp_path: Path) -> None:
    assert names_of(nxmx_run(tmp_path / "run.h5", 3)) == ["//0", "//1", "//2"]
    assert names_of(eiger_run(tmp_path / "one", [3])) == ["//0", "//1", "//2"]


def test_frames_of_several_stacks_have_the_name_of_the_stack(tmp_path: Path) -> None:
    """With ``data = /entry/data/%`` and ``dim0 = %``."""
    master = eiger_run(tmp_path / "raw", [2, 3])
    assert names_of(master) == [
        *("data_000001//0", "data_000001//1"),
        *("data_000002//0", "data_000002//1", "data_000002//2"),
    ]
    with h5py.File(master) as file:  # and CrystFEL finds the frame
        for name in names_of(master):
            stack, _, number = name.partition("//")
            assert file[f"/entry/data/{stack}"][int(number)].any()


def test_chunks_as_in_cxidb_76(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "r.h5", "w") as file:
        for chunk in (1, 2, 10):
            file[f"data/{chunk}/images"] = np.zeros((2, 30, 30), np.int32)
    assert names_of(tmp_path / "r.h5") == ["1//0", "1//1", "2//0", "2//1", "10//0", "10//1"]


@pytest.mark.parametrize("place", ["entry/data", "data"])
def test_a_dataset_with_the_name_of_a_group_is_one_stack(tmp_path: Path, place: str) -> None:
    with h5py.File(tmp_path / "r.h5", "w") as file:
        file[place] = np.zeros((2, 30, 30), np.int32)
    assert names_of(tmp_path / "r.h5") == ["//0", "//1"]


def test_a_data_file_that_is_missing_counts_as_in_the_run(tmp_path: Path) -> None:
    master = eiger_run(tmp_path / "raw", [2, 2, 2])
    (tmp_path / "raw" / "x_data_000002.h5").unlink()
    assert names_of(master)[2:] == ["data_000002//0", "data_000003//0", "data_000003//1"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("x.h5", "x.h5 //4"),
        ("x.CXI", "x.CXI //4"),
        ("x.nxs", "x.nxs //4"),
        ("x.hdf5", "x.hdf5 //4"),
        ("x.hdf", "x.hdf //4"),
        ("x.cbf", "x.cbf"),
        ("x.img.bz2", "x.img.bz2"),
        ("x.h5.cbf", "x.h5.cbf"),
    ],
)
def test_without_an_event_a_frame_of_hdf5_has_its_index(path: str, line: str) -> None:
    assert event_line(Verdict(path, 4, None, True)) == line


def test_a_file_that_cannot_be_opened_is_listed_by_index(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"no HDF5")
    (tmp_path / "b.h5").write_bytes(b"no HDF5")
    frames = list(open_run(tmp_path).frames())
    assert all(isinstance(frame, Unreadable) for frame in frames)
    lines = [event_line(Verdict(f.path, f.index, None, True, event=f.event)) for f in frames]
    assert lines == [f"{tmp_path}/a.h5 //0", f"{tmp_path}/b.h5 //0"]


def test_hdf5_with_another_extension_is_named_by_frame(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.dat", 2)
    assert names_of(path) == ["//0", "//1"]
