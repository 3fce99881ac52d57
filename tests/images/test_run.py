"""A run of several files is one series of frames."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import hdf5plugin
import numpy as np
import pytest
from detector_files import cbf, counts, smv
from hdf5_files import stack
from run_checks import first_counts

from fedbragg.errors import FrameError
from fedbragg.images import ReadAhead, open_run, write_run
from fedbragg.images.open import open_files
from fedbragg.types import Frame, Geometry, Unreadable


def test_slices_of_a_run_cross_its_files(tmp_path: Path) -> None:
    for number in range(3):
        frames = np.arange(4, dtype=np.uint16)[:, np.newaxis, np.newaxis] + number * 4
        stack(tmp_path / f"{number}.h5", np.broadcast_to(frames, (4, 20, 30)).copy(), {})
    run = open_run(tmp_path)
    assert len(run) == 12
    assert first_counts(run.frames(3, 9)) == [3, 4, 5, 6, 7, 8]
    assert first_counts(run.frames(stop=2)) == [0, 1]
    assert first_counts(run.frames(10)) == [10, 11]
    assert first_counts(run.frames(5, 5)) == []
    assert [int(run[place].counts[0, 0]) for place in (0, 4, 11, -1)] == [0, 4, 11, 11]
    assert run[9].index == 1


def test_geometry_is_the_first_readable_files(tmp_path: Path) -> None:
    (tmp_path / "1.cbf").write_text("nothing")
    cbf(tmp_path / "2.cbf", counts("i4"))
    smv(tmp_path / "3.img", counts("u2"))
    assert open_run(tmp_path).geometry.detector == "PILATUS 2M, S/N 24-0107"


def test_a_bad_file_amid_a_run_is_one_unreadable_and_the_run_goes_on(tmp_path: Path) -> None:
    stack(tmp_path / "1.h5", counts("u2", (2, 60, 70)), {})
    (tmp_path / "2.h5").write_text("no HDF5")
    content = (tmp_path / "1.h5").read_bytes()
    (tmp_path / "3.h5").write_bytes(content[: len(content) // 2])
    (tmp_path / "4.cbf").write_bytes(b"###CBF: nothing more")
    stack(tmp_path / "5.h5", counts("u2", (2, 60, 70)), {})

    run = open_run(tmp_path)
    frames = list(run.frames())

    assert len(run) == 7
    assert [type(frame) for frame in frames] == [Frame] * 2 + [Unreadable] * 3 + [Frame] * 2
    bad = [frame for frame in frames if isinstance(frame, Unreadable)]
    assert [(Path(frame.path).name, frame.index) for frame in bad] == [("2.h5", 0), ("3.h5", 0), ("4.cbf", 0)]
    assert "no readable HDF5 file" in bad[0].reason
    assert "cut short" in bad[1].reason
    with pytest.raises(FrameError, match=r"2\.h5 frame 0: no readable HDF5"):
        run[2]
    with pytest.raises(IndexError):
        run[7]
    assert run[-1].path.endswith("5.h5")


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_frames_that_are_kept_stay_as_they_were(tmp_path: Path, workers: int) -> None:
    frames = np.arange(30, dtype=np.uint16)[:, np.newaxis, np.newaxis] + np.zeros((30, 40, 50), np.uint16)

    stack(tmp_path / "run.h5", frames, dict(hdf5plugin.Bitshuffle()))
    kept = list(open_run(tmp_path / "run.h5", reading=ReadAhead(workers=workers)).frames())
    gc.collect()
    np.testing.assert_array_equal([frame.counts for frame in kept if isinstance(frame, Frame)], frames)


def test_the_memory_of_a_long_run_is_that_of_a_few_frames(tmp_path: Path) -> None:

    stack(tmp_path / "run.h5", np.zeros((50, 40, 50), np.uint16), dict(hdf5plugin.Bitshuffle()))
    addresses = {
        frame.counts.__array_interface__["data"][0]
        for frame in open_run(tmp_path / "run.h5", reading=ReadAhead(workers=2)).frames()
        if isinstance(frame, Frame)
    }
    assert len(addresses) <= 8


def test_files_have_their_numbers_of_frames_and_frames_their_saturation(tmp_path: Path) -> None:
    frames = np.full((3, 40, 50), 7, np.uint16)
    write_run(tmp_path / "a.h5", frames, geometry=Geometry(), saturation=900)
    np.save(tmp_path / "b.npy", frames[:2])
    run = open_files(tmp_path)
    assert run.files == [(f"{tmp_path}/a.h5", 3), (f"{tmp_path}/b.npy", 2)]
    assert [run[position].saturation for position in (0, 2, 3)] == [900, 900, None]


@pytest.mark.parametrize(("many_in_a_file", "most"), [(True, 3), (False, 8)])
def test_frames_in_memory_follow_the_cores_where_a_file_holds_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many_in_a_file: bool, most: int
) -> None:
    """One thread reads while two cores work; files of one frame are read by as many threads as are asked for."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    if many_in_a_file:
        stack(tmp_path / "run.h5", counts("u2", (24, 60, 70)), {})
    else:
        for number in range(24):
            cbf(tmp_path / f"{number:02}.cbf", counts("i4"))
    together, threads = threading.Barrier(most), set[str]()

    def work(frame: Frame | Unreadable) -> None:
        threads.add(threading.current_thread().name)
        together.wait(timeout=20)  # breaks unless so many threads work at the same time

    list(open_run(tmp_path).map(work, 8))
    assert len(threads) == most
