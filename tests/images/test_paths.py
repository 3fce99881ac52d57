"""Which files a run consists of, in which order."""

from __future__ import annotations

import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from detector_files import edf
from run_checks import assert_refused, first_counts

from fedbragg.errors import RunError
from fedbragg.images import open_run
from fedbragg.images.paths import expand
from fedbragg.types import Frame


def numbered(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        image = np.full((20, 30), int(name.split("_")[1].split(".")[0]), np.int32)
        edf(folder / name, image)


def test_a_folder_is_read_in_natural_order_through_its_levels(tmp_path: Path) -> None:
    numbered(tmp_path / "run2", "a_2.edf", "a_10.edf", "a_1.edf")
    numbered(tmp_path / "run10", "a_3.edf")
    numbered(tmp_path / ".hidden", "a_99.edf")
    (tmp_path / "notes.txt").write_text("no image")
    assert first_counts(open_run(tmp_path).frames()) == [1, 2, 10, 3]
    assert first_counts(open_run(str(tmp_path / "run*" / "*.edf")).frames()) == [1, 2, 10, 3]


def test_a_list_keeps_its_order_and_counts_a_file_once(tmp_path: Path) -> None:
    numbered(tmp_path, "a_1.edf", "a_2.edf", "a_3.edf")
    files = [tmp_path / f"a_{number}.edf" for number in (3, 1, 3)]
    assert first_counts(open_run(files).frames()) == [3, 1]


def test_a_missing_path_an_empty_folder_and_a_glob_of_nothing_are_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path / "no.h5", "no such file")
    assert_refused(tmp_path, "holds no image file")
    assert_refused(f"{tmp_path}/*.cbf", "no image file matches")
    with pytest.raises(RunError, match="no path"):
        open_run([])


def test_a_folder_counts_an_eiger_data_file_once(tmp_path: Path) -> None:
    for number in (1, 2):
        with h5py.File(tmp_path / f"x_data_{number:06}.h5", "w") as file:
            file["entry/data/data"] = np.full((3, 8, 9), number, np.uint16)
    with h5py.File(tmp_path / "x_master.h5", "w") as file:
        for number in (1, 2):
            file[f"entry/data/data_{number:06}"] = h5py.ExternalLink(
                f"x_data_{number:06}.h5", "/entry/data/data"
            )

    run = open_run(tmp_path)

    assert [int(frame.counts[0, 0]) for frame in run.frames() if isinstance(frame, Frame)] == [
        1,
        1,
        1,
        2,
        2,
        2,
    ]


def test_a_long_folder_opens_without_opening_its_files(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"scan_{number}.cbf").touch()
    begin = time.process_time()
    run = open_run(tmp_path)
    assert len(run) == 2000
    assert time.process_time() - begin < 0.5  # 100,000 take 0.6 s; opening each would take minutes
    assert len(expand(tmp_path)) == 2000
