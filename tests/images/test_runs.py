from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from image_files import cbf, counts, edf, nxmx, smv, stack

from fedbragg.images import open_run
from fedbragg.images.frame_requests import ReadAhead
from fedbragg.images.paths import expand
from fedbragg.images.registry import extension_of
from fedbragg.images.sorting import natural_key
from fedbragg.ordered_map import ordered_map
from fedbragg.types import Frame


def values(run_frames: Iterator[object]) -> list[int]:
    return [int(frame.counts[0, 0]) for frame in run_frames if isinstance(frame, Frame)]


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
    assert values(open_run(tmp_path).frames()) == [1, 2, 10, 3]
    assert values(open_run(str(tmp_path / "run*" / "*.edf")).frames()) == [1, 2, 10, 3]


def test_a_list_keeps_its_order_and_counts_a_file_once(tmp_path: Path) -> None:
    numbered(tmp_path, "a_1.edf", "a_2.edf", "a_3.edf")
    files = [tmp_path / f"a_{number}.edf" for number in (3, 1, 3)]
    assert values(open_run(files).frames()) == [3, 1]


def test_natural_order_and_extensions() -> None:
    assert sorted(["x10", "x9", "x1y2", "x"], key=natural_key) == ["x", "x1y2", "x9", "x10"]
    assert extension_of("/a.b/c.CBF.GZ") == ".cbf"
    assert extension_of("/a.b/c") == ""
    assert extension_of("/a/.cbf") == ""


def test_a_file_with_no_known_extension_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    nxmx(tmp_path / "image.dat", counts("u2"))
    assert len(open_run(tmp_path / "image.dat")) == 1


def test_slices_of_a_run_cross_its_files(tmp_path: Path) -> None:
    for number in range(3):
        frames = np.arange(4, dtype=np.uint16)[:, np.newaxis, np.newaxis] + number * 4
        stack(tmp_path / f"{number}.h5", np.broadcast_to(frames, (4, 20, 30)).copy(), {})
    run = open_run(tmp_path)
    assert len(run) == 12
    assert values(run.frames(3, 9)) == [3, 4, 5, 6, 7, 8]
    assert values(run.frames(stop=2)) == [0, 1]
    assert values(run.frames(10)) == [10, 11]
    assert values(run.frames(5, 5)) == []
    assert [int(run[place].counts[0, 0]) for place in (0, 4, 11, -1)] == [0, 4, 11, 11]
    assert run[9].index == 1


def test_geometry_is_the_first_readable_files(tmp_path: Path) -> None:
    (tmp_path / "1.cbf").write_text("nothing")
    cbf(tmp_path / "2.cbf", counts("i4"))
    smv(tmp_path / "3.img", counts("u2"))
    assert open_run(tmp_path).geometry.detector == "PILATUS 2M, S/N 24-0107"


def test_a_long_folder_opens_without_opening_its_files(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"scan_{number}.cbf").touch()
    begin = time.process_time()
    run = open_run(tmp_path)
    assert len(run) == 2000
    assert time.process_time() - begin < 0.5  # 100,000 take 0.6 s; opening each would take minutes
    assert len(expand(tmp_path)) == 2000


def test_frames_in_flight_are_few_however_long_the_run(tmp_path: Path) -> None:
    nxmx(tmp_path / "run.h5", counts("u2"))
    made = []

    def work(task: int) -> int:
        made.append(task)
        return task

    results = ordered_map(work, iter(range(1000)), workers=2, depth=4)
    assert [next(results), next(results)] == [0, 1]
    time.sleep(0.05)
    assert len(made) <= 6
    results.close()
    assert len(made) <= 6


def test_work_runs_in_threads_and_comes_back_in_order() -> None:
    both = threading.Barrier(2, timeout=10)

    def work(task: int) -> int:
        both.wait()  # passes only when two tasks run at once
        return task

    assert list(ordered_map(work, iter(range(10)), workers=2, depth=3)) == list(range(10))


def test_what_is_ready_is_not_held_back_when_nothing_else_comes() -> None:
    given = []

    def tasks() -> Iterator[int | None]:
        for task in (1, None, 2):
            given.append(task)
            yield task

    results = ordered_map(lambda task: task, tasks(), workers=1, depth=5)
    assert next(results) == 1
    assert given == [1, None]
    assert list(results) == [2]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_frames_that_are_kept_stay_as_they_were(tmp_path: Path, workers: int) -> None:
    frames = np.arange(30, dtype=np.uint16)[:, np.newaxis, np.newaxis] + np.zeros((30, 40, 50), np.uint16)
    import hdf5plugin

    stack(tmp_path / "run.h5", frames, dict(hdf5plugin.Bitshuffle()))
    kept = list(open_run(tmp_path / "run.h5", reading=ReadAhead(workers=workers)).frames())
    gc.collect()
    np.testing.assert_array_equal([frame.counts for frame in kept if isinstance(frame, Frame)], frames)


def test_the_memory_of_a_long_run_is_that_of_a_few_frames(tmp_path: Path) -> None:
    import hdf5plugin

    stack(tmp_path / "run.h5", np.zeros((50, 40, 50), np.uint16), dict(hdf5plugin.Bitshuffle()))
    addresses = {
        frame.counts.__array_interface__["data"][0]
        for frame in open_run(tmp_path / "run.h5", reading=ReadAhead(workers=2)).frames()
        if isinstance(frame, Frame)
    }
    assert len(addresses) <= 8


def test_a_chunk_of_several_frames_is_unpacked_once(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_dataset(
            "entry/data/data",
            data=np.zeros((64, 256, 256), np.uint16),
            chunks=(64, 256, 256),
            compression="gzip",
        )
    begin = time.process_time()
    assert len(list(open_run(tmp_path / "run.h5").frames())) == 64
    assert time.process_time() - begin < 2  # unpacking 8 MB 64 times takes longer
