"""Every kind of run behaves alike: runs of files, runs that are still written, and FakeRun."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from fedbragg.errors import FrameError
from fedbragg.images import ReadAhead, open_run
from fedbragg.testing import FakeRun
from fedbragg.types import Frame, Geometry, Run, Unreadable

LENGTH, UNREADABLE = 6, 2
"""Frames of every run here, each filled with its position, and the one that cannot be read."""


def files(folder: Path) -> list[Path]:
    """Write two frames, a file that is no CBF, and three frames."""
    for name, positions in (("1.h5", (0, 1)), ("3.h5", (3, 4, 5))):
        with h5py.File(folder / name, "w") as file:
            frames = np.array(positions, np.uint16)[:, np.newaxis, np.newaxis]
            file["entry/data/data"] = np.broadcast_to(frames, (len(positions), 8, 9))
    (folder / "2.cbf").write_bytes(b"no CBF")
    return [folder / name for name in ("1.h5", "2.cbf", "3.h5")]


def run_of_files(folder: Path) -> Run:
    return open_run(files(folder))


def run_of_files_in_threads(folder: Path) -> Run:
    return open_run(files(folder), reading=ReadAhead(workers=2, depth=2))


def followed_run(folder: Path) -> Run:
    return open_run(files(folder), follow=True, patience=0.2)


def fake_run(folder: Path) -> Run:
    def make(index: int) -> Frame | Unreadable:
        if index == UNREADABLE:
            return Unreadable("made", index, "no CBF file. Copy it again.", f"//{index}")
        return Frame(np.full((8, 9), index, np.uint16), np.zeros((8, 9), np.bool_), "made", index)

    return FakeRun(LENGTH, make)


@pytest.fixture(params=[run_of_files, run_of_files_in_threads, followed_run, fake_run])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    make: Callable[[Path], Run] = request.param
    return make(tmp_path)


def position_of(frame: Frame | Unreadable) -> int | None:
    """Return what the frame is filled with, None for an unreadable one."""
    return int(frame.counts[0, 0]) if isinstance(frame, Frame) else None


EVERY = [None if position == UNREADABLE else position for position in range(LENGTH)]


def test_it_has_a_length_and_a_geometry(run: Run) -> None:
    assert len(run) == LENGTH
    assert isinstance(run.geometry, Geometry)


@pytest.mark.parametrize("position", [0, 1, 3, 5, -1, -LENGTH])
def test_a_frame_is_read_by_its_position_from_either_end(run: Run, position: int) -> None:
    assert position_of(run[position]) == range(LENGTH)[position]


@pytest.mark.parametrize("position", [LENGTH, -LENGTH - 1])
def test_a_position_beyond_the_run_is_an_index_error(run: Run, position: int) -> None:
    with pytest.raises(IndexError, match=rf"frame {position} of a run of {LENGTH}"):
        run[position]


def test_an_unreadable_frame_is_an_error_by_position_and_an_item_in_order(run: Run) -> None:
    with pytest.raises(FrameError, match="no CBF file") as caught:
        run[UNREADABLE]
    item, error = list(run.frames())[UNREADABLE], caught.value
    assert item == Unreadable(error.path, error.index, error.reason, error.event)


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0, None),
        (1, 4),
        (3, None),
        (0, 0),
        (4, 2),
        (LENGTH, None),
        (LENGTH + 3, None),
        (2, 99),
        (-2, 2),
        (0, -1),
    ],
)
def test_frames_come_in_order_from_start_to_stop(run: Run, start: int, stop: int | None) -> None:
    """A start below 0 is the first frame; a stop below 0 or below the start leaves nothing."""
    expected = EVERY[max(start, 0) : None if stop is None else max(stop, 0)]
    assert [position_of(frame) for frame in run.frames(start, stop)] == expected


def test_iterations_do_not_disturb_each_other(run: Run) -> None:
    one, other = run.frames(), run.frames(3)
    pairs = [(position_of(next(one)), position_of(next(other))) for _ in range(3)]
    assert pairs == list(zip(EVERY[:3], EVERY[3:], strict=True))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(("start", "stop"), [(0, None), (2, None), (LENGTH, None), (1, 4), (3, 3), (0, 99)])
def test_work_is_mapped_over_the_frames_in_order(
    run: Run, threads: int, start: int, stop: int | None
) -> None:
    assert list(run.map(position_of, threads, start, stop)) == EVERY[start:stop]


def test_no_frame_is_made_beyond_the_last_one_asked_for() -> None:
    made: list[int] = []

    def make(index: int) -> Unreadable:
        made.append(index)
        return Unreadable("fake", index, "counted")

    list(FakeRun(90, make).map(position_of, 2, 5, 9))
    assert sorted(made) == [5, 6, 7, 8]


@pytest.mark.parametrize("threads", [1, 3])
def test_one_thread_is_the_callers_and_several_are_others(run: Run, threads: int) -> None:
    workers = set(run.map(lambda frame: threading.current_thread(), threads))
    assert (workers == {threading.current_thread()}) == (threads == 1)
    assert len(workers) <= threads


def test_work_that_fails_ends_the_map_and_leaves_no_thread(run: Run) -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(run.map(lambda frame: 1 // (position_of(frame) or 0), 3))
    assert threading.active_count() == before


def test_a_consumer_that_stops_early_leaves_no_thread(run: Run) -> None:
    before = threading.active_count()
    for results in (run.frames(), run.map(position_of, 3)):
        next(results)
        getattr(results, "close", lambda: None)()  # a plain iterator has no thread to end
    assert threading.active_count() == before
