"""Names of frames as CrystFEL's lists of events have them: crystfel_geometry(5), "Multiple frames per file"."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from made_runs import eiger_run, nxmx_run

from fedbragg.screening.outputs.crystfel import Events
from fedbragg.types import Verdict


def names_of(path: Path, frames: int) -> list[str]:
    events = Events()
    names = [events.name(Verdict(str(path), index, 0.9, True)) for index in range(frames)]
    assert all(name.startswith(f"{path} ") for name in names)
    return [name.removeprefix(f"{path} ") for name in names]


def test_one_stack_is_counted_through(tmp_path: Path) -> None:
    assert names_of(nxmx_run(tmp_path / "run.h5", 3), 3) == ["//0", "//1", "//2"]
    assert names_of(eiger_run(tmp_path / "one", [3]), 3) == ["//0", "//1", "//2"]


def test_several_stacks_are_told_apart_by_what_stands_for_the_placeholder(tmp_path: Path) -> None:
    """With ``data = /entry/data/%`` and ``dim0 = %``."""
    master = eiger_run(tmp_path / "raw", [2, 3])
    assert names_of(master, 5) == [
        *("data_000001//0", "data_000001//1"),
        *("data_000002//0", "data_000002//1", "data_000002//2"),
    ]
    with h5py.File(master) as file:  # and so the event is found
        for name in names_of(master, 5):
            stack, _, number = name.partition("//")
            assert file[f"/entry/data/{stack}"][int(number)].any()


def test_chunks_as_in_cxidb_76(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "r.h5", "w") as file:
        for chunk in (1, 2, 10):
            file[f"data/{chunk}/images"] = np.zeros((2, 30, 30), np.int32)
    assert names_of(tmp_path / "r.h5", 6) == ["1//0", "1//1", "2//0", "2//1", "10//0", "10//1"]


@pytest.mark.parametrize("place", ["entry/data", "data"])
def test_images_where_others_have_a_group(tmp_path: Path, place: str) -> None:
    with h5py.File(tmp_path / "r.h5", "w") as file:
        file[place] = np.zeros((2, 30, 30), np.int32)
    assert names_of(tmp_path / "r.h5", 2) == ["//0", "//1"]


def test_a_data_file_that_is_missing_counts_as_in_the_run(tmp_path: Path) -> None:
    master = eiger_run(tmp_path / "raw", [2, 2, 2])
    (tmp_path / "raw" / "x_data_000002.h5").unlink()
    assert names_of(master, 5)[2:] == ["data_000002//0", "data_000003//0", "data_000003//1"]


def test_a_file_that_cannot_be_opened_has_plain_names(tmp_path: Path) -> None:
    (tmp_path / "gone.h5").write_bytes(b"no HDF5")
    assert names_of(tmp_path / "gone.h5", 2) == ["//0", "//1"]
