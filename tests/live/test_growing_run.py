"""Runs on disk as live sources: Eiger data files that appear, frames that are done, names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from fedbragg.errors import FrameError
from fedbragg.images.hdf5.source import HDF5Source
from fedbragg.images.hdf5.swmr import open_swmr
from fedbragg.images.source import RunCache
from fedbragg.live.growing_run import GrowingRun, GrowingRunSource
from fedbragg.live.source import Event, LiveFrame, Notice, SeriesEnd, SeriesStart
from fedbragg.tasks.hits.prepare import PrepareSettings, mask_block_cache, prepare_with_peaks
from fedbragg.tasks.hits.prepare.decoding import BlockReducer
from fedbragg.types import Frame


def master(folder: Path, files: int, nimages: int = 0, ntrigger: int = 1) -> Path:
    """Write a master file; where ``nimages`` is not 0 it promises ``nimages * ntrigger`` images."""
    path = folder / "run_master.h5"
    with h5py.File(path, "w") as file:
        for number in range(1, files + 1):
            file[f"entry/data/data_{number:06d}"] = h5py.ExternalLink(
                f"run_data_{number:06d}.h5", "/entry/data/data"
            )
        mask = np.zeros((20, 30), np.uint32)
        mask[4, 5] = 1
        file["entry/instrument/detector/detectorSpecific/pixel_mask"] = mask
        if nimages:
            file["entry/instrument/detector/detectorSpecific/nimages"] = np.uint32(nimages)
            file["entry/instrument/detector/detectorSpecific/ntrigger"] = np.uint32(ntrigger)
    return path


def data_file(folder: Path, number: int, frames: int = 3) -> None:
    with h5py.File(folder / "partial", "w") as file:
        counts = np.full((frames, 20, 30), number, np.uint16)
        file.create_dataset("entry/data/data", data=counts, chunks=(1, 20, 30))
    (folder / "partial").rename(folder / f"run_data_{number:06d}.h5")


def events(source: GrowingRunSource, appear: Callable[[], object] = lambda: None) -> list[Event]:
    """Return all events; whenever there is none, let something ``appear``."""
    found: list[Event] = []
    while not (found and isinstance(found[-1], SeriesEnd)):
        event = source.receive(0.1)
        if event is None:
            appear()
        else:
            found.append(event)
    return found


def values(found: list[Event]) -> list[int]:
    """Return a pixel of each frame."""
    return [int(event.read().counts[0, 0]) for event in found if isinstance(event, LiveFrame)]


def test_data_files_of_a_master_are_read_as_they_appear(tmp_path: Path) -> None:
    path, files = master(tmp_path, 3), iter([1, 2, 3])
    found = events(GrowingRunSource(GrowingRun(str(path), 5)), lambda: data_file(tmp_path, next(files)))
    assert isinstance(found[0], Notice)
    assert found[1] == SeriesStart(str(path), b"")
    assert values(found) == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    frames = [event for event in found if isinstance(event, LiveFrame)]
    assert [frame.number for frame in frames] == list(range(9))
    assert [frame.read().event for frame in frames[2:4]] == ["data_000001//2", "data_000002//0"]
    assert [tuple(place) for place in np.argwhere(frames[0].read().mask)] == [(4, 5)]
    assert found[-1] == SeriesEnd(str(path), b"")


def test_a_data_file_that_never_comes_is_reported_and_those_after_it_are_read(tmp_path: Path) -> None:
    path = master(tmp_path, 3)
    data_file(tmp_path, 1)
    data_file(tmp_path, 3)
    found = events(GrowingRunSource(GrowingRun(str(path), 0.3)))
    frames = [event for event in found if isinstance(event, LiveFrame)]
    with pytest.raises(FrameError, match="run_data_000002"):
        frames[3].read()
    assert values([*found[:4], *found[5:]]) == [1, 1, 1, 3, 3, 3]
    assert found[-1] == SeriesEnd(str(path), b"", complete=False)


def test_a_run_is_over_when_the_images_that_its_master_promises_are_there(tmp_path: Path) -> None:
    """Two triggers of three images each."""
    path, files = master(tmp_path, 2, nimages=3, ntrigger=2), iter([1, 2])
    found = events(GrowingRunSource(GrowingRun(str(path), 5)), lambda: data_file(tmp_path, next(files)))
    assert found[1] == SeriesStart(str(path), b"", 6)
    assert values(found) == [1, 1, 1, 2, 2, 2]
    assert found[-1] == SeriesEnd(str(path), b"")


def test_a_series_that_was_aborted_ends_after_the_wait_and_is_not_complete(tmp_path: Path) -> None:
    """The second data file is closed with one image of three."""
    path = master(tmp_path, 2, nimages=3, ntrigger=2)
    data_file(tmp_path, 1)
    data_file(tmp_path, 2, frames=1)
    found = events(GrowingRunSource(GrowingRun(str(path), 0.3)))
    assert found[0] == SeriesStart(str(path), b"", 6)
    assert values(found) == [1, 1, 1, 2]
    assert found[-1] == SeriesEnd(str(path), b"", complete=False)


def test_images_beyond_the_promise_are_read_too(tmp_path: Path) -> None:
    path = master(tmp_path, 2, nimages=4)
    data_file(tmp_path, 1)
    data_file(tmp_path, 2)
    found = events(GrowingRunSource(GrowingRun(str(path), 0.3)))
    assert values(found) == [1, 1, 1, 2, 2, 2]
    assert found[-1] == SeriesEnd(str(path), b"")


def test_what_the_user_says_counts_more_than_the_master(tmp_path: Path) -> None:
    path = master(tmp_path, 1, nimages=6)
    data_file(tmp_path, 1)
    found = events(GrowingRunSource(GrowingRun(str(path), 0.3, images=2)))
    assert found[0] == SeriesStart(str(path), b"", 2)
    assert values(found) == [1, 1]
    assert found[-1] == SeriesEnd(str(path), b"")


def test_a_run_whose_promised_images_are_all_done_is_complete_at_once(tmp_path: Path) -> None:
    path = master(tmp_path, 1, nimages=3)
    data_file(tmp_path, 1)
    found = events(GrowingRunSource(GrowingRun(str(path), 0.3, done={str(path): 3})))
    assert found == [SeriesStart(str(path), b"", 3), SeriesEnd(str(path), b"")]


def test_room_that_was_never_filled_is_waited_for_and_then_reported(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        data = file.create_dataset("entry/data/data", (4, 20, 30), "u2", chunks=(1, 20, 30))
        data[0] = data[1] = 7
    source = GrowingRunSource(GrowingRun(str(tmp_path / "run.h5"), 0.3))
    first = [source.receive(0.1) for _ in range(5)]
    assert values([event for event in first if event]) == [7, 7]
    rest = [event for event in events(source) if isinstance(event, LiveFrame)]
    for frame in rest:
        with pytest.raises(FrameError, match="never written"):
            frame.read()
    assert [frame.number for frame in rest] == [2, 3]


def test_a_dataset_is_opened_once_however_often_it_is_refreshed(tmp_path: Path) -> None:
    """HDF5 2.0 gives threads another frame's chunk otherwise, one in about 450 frames on a busy machine."""
    path = master(tmp_path, 2)
    data_file(tmp_path, 1)
    source = HDF5Source(str(path), RunCache(), open_swmr)
    before = source._segments.segments[0].dataset
    data_file(tmp_path, 2)
    source.refresh()
    assert source._segments.segments[0].dataset is before
    assert len(source) == 6


@pytest.mark.parametrize(("done", "rest"), [(4, [4, 5]), (6, [])])
def test_frames_that_are_done_are_not_told_again(tmp_path: Path, done: int, rest: list[int]) -> None:
    path = master(tmp_path, 2)
    data_file(tmp_path, 1)
    data_file(tmp_path, 2)
    found = events(GrowingRunSource(GrowingRun(str(path), 5, done={str(path): done})))
    frames = [event for event in found if isinstance(event, LiveFrame)]
    assert [(frame.number, frame.read().index) for frame in frames] == [(number, number) for number in rest]
    others = [type(event) for event in found if not isinstance(event, LiveFrame | Notice)]
    assert others == [SeriesStart, SeriesEnd]


@pytest.mark.parametrize(
    ("path", "folder"),
    [("a/run_master.h5", "run_master"), ("a/run_7/*.cbf", "run_7"), ("a/x_*/y_?.cbf", "a"), ("a", "a")],
)
def test_a_run_has_a_short_name_for_its_folder(path: str, folder: str, tmp_path: Path) -> None:
    assert GrowingRun(str(tmp_path / path), 5).folder == folder


def test_frames_are_reduced_while_they_are_decoded_and_have_the_same_view(tmp_path: Path) -> None:
    counts = np.random.default_rng(7).poisson(2, (4, 260, 180)).astype(np.uint16)
    counts[:, 40:43, 60:63] += 40
    blocks = mask_block_cache()

    def frames(name: str, reduce: BlockReducer | None) -> list[Frame]:
        with h5py.File(tmp_path / name, "w") as file:
            packed = hdf5plugin.Bitshuffle(cname="lz4")
            file.create_dataset("entry/data/data", data=counts, chunks=(1, 260, 180), **packed)
        found = events(GrowingRunSource(GrowingRun(str(tmp_path / name), 0.3), reduce))
        return [event.read() for event in found if isinstance(event, LiveFrame)]

    fast, plain = frames("fast.h5", BlockReducer(blocks)), frames("plain.h5", None)
    assert [frame.reduced is not None for frame in fast] == [
        False,
        True,
        True,
        True,
    ]  # the first tells the mask
    assert all(frame.reduced is None for frame in plain)
    for one, other in zip(fast, plain, strict=True):
        first, second = (prepare_with_peaks(frame, PrepareSettings(), blocks)[0] for frame in (one, other))
        for field in dataclasses.fields(first):
            found, wanted = getattr(first, field.name), getattr(second, field.name)
            np.testing.assert_array_equal(np.asarray(found), np.asarray(wanted))
