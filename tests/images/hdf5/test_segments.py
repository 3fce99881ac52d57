"""Frames that lie in other files: links and virtual datasets."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
from detector_files import counts
from hdf5_files import eiger, stack
from hypothesis import given, settings
from hypothesis import strategies as st
from run_checks import assert_refused, readable_frames

from fedbragg.images import open_run
from fedbragg.types import Frame, Unreadable


def test_a_virtual_dataset_reads_its_sources(tmp_path: Path) -> None:
    frames = counts("u2", (5, 60, 70))
    eiger(tmp_path, frames)
    layout = h5py.VirtualLayout((5, 60, 70), np.uint16)
    layout[0:3] = h5py.VirtualSource(tmp_path / "x_data_000001.h5", "entry/data/data", (3, 60, 70))
    layout[3:5] = h5py.VirtualSource(tmp_path / "x_data_000002.h5", "entry/data/data", (2, 60, 70))
    with h5py.File(tmp_path / "x.nxs", "w") as file:
        file.create_virtual_dataset("entry/data/data", layout)

    np.testing.assert_array_equal(
        [frame.counts for frame in readable_frames(open_run(tmp_path / "x.nxs"))], frames
    )
    assert len(open_run(tmp_path)) == 10  # the two masters; no data file by itself


def test_a_missing_data_file_is_one_unreadable_frame_that_names_it(tmp_path: Path) -> None:
    stack(tmp_path / "x_data_000001.h5", counts("u2", (2, 60, 70)), {})
    with h5py.File(tmp_path / "x_master.h5", "w") as master:
        for number in (1, 2):
            master[f"entry/data/data_{number:06}"] = h5py.ExternalLink(
                f"x_data_{number:06}.h5", "/entry/data/data"
            )

    frames = list(open_run(tmp_path / "x_master.h5").frames())

    assert [type(frame) for frame in frames] == [Frame, Frame, Unreadable]
    assert isinstance(frames[2], Unreadable)
    assert frames[2].index == 2
    assert "x_data_000002.h5" in frames[2].reason


def test_a_virtual_dataset_whose_source_is_missing_gives_no_zeros(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((5, 60, 70), np.uint16)
    stack(tmp_path / "a.h5", counts("u2", (2, 60, 70)), {})
    layout[0:2] = h5py.VirtualSource(tmp_path / "a.h5", "entry/data/data", (2, 60, 70))
    layout[3:5] = h5py.VirtualSource(tmp_path / "gone.h5", "entry/data/data", (2, 60, 70))
    with h5py.File(tmp_path / "x.nxs", "w") as file:
        file.create_virtual_dataset("entry/data/data", layout)

    frames = list(open_run(tmp_path / "x.nxs").frames())

    assert [type(frame) for frame in frames] == [Frame, Frame, Unreadable, Unreadable, Unreadable]
    reasons = [frame.reason for frame in frames if isinstance(frame, Unreadable)]
    assert "no file holds" in reasons[0]
    assert "gone.h5" in reasons[1]


def test_a_dataset_that_claims_more_frames_than_any_detector_writes_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_dataset("entry/data/data", (2**40, 60, 70), np.uint16, chunks=(1, 60, 70))
    assert_refused(tmp_path / "run.h5", "claims the shape")


@st.composite
def joined(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Draw pieces of a virtual dataset: frames left empty before it, number of the source, frames of the piece."""
    return draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=5)
    )


@settings(deadline=None, max_examples=40)
@given(pieces=joined(), tail=st.integers(0, 2), missing=st.sets(st.integers(0, 2), max_size=2))
def test_virtual_datasets_of_any_pieces_give_the_frames_of_their_sources_and_report_the_rest(
    pieces: list[tuple[int, int, int]], tail: int, missing: set[int]
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        total = sum(gap + count for gap, _, count in pieces) + tail
        layout, expected, start = h5py.VirtualLayout((total, 8, 9), np.uint16), [0] * total, 0
        for source in range(3):
            frames = np.arange(1, 6, dtype=np.uint16)[:, np.newaxis, np.newaxis] + 10 * source
            if source not in missing:
                stack(folder / f"{source}.h5", np.broadcast_to(frames, (5, 8, 9)).copy(), {})
        for gap, source, count in pieces:
            start += gap
            part = h5py.VirtualSource(f"{source}.h5", "entry/data/data", (5, 8, 9))
            layout[start : start + count] = part[1 : 1 + count]
            for index in range(count):
                expected[start + index] = 0 if source in missing else 2 + index + 10 * source
            start += count
        with h5py.File(folder / "x.nxs", "w") as file:
            file.create_virtual_dataset("entry/data/data", layout)

        run = open_run(folder / "x.nxs")
        frames_read = list(run.frames())

    assert len(run) == total
    found = [int(frame.counts[0, 0]) if isinstance(frame, Frame) else 0 for frame in frames_read]
    assert found == expected  # 0 is an Unreadable, for every written count is above 0


def test_frames_joined_from_halves_are_read_by_hdf5_and_reported_where_a_half_is_missing(
    tmp_path: Path,
) -> None:
    frames = counts("u2", (2, 8, 10))
    stack(tmp_path / "left.h5", frames[:, :, :5].copy(), {})
    stack(tmp_path / "right.h5", frames[:, :, 5:].copy(), {})
    layout = h5py.VirtualLayout((2, 8, 10), np.uint16)
    for name, columns in (("left", slice(0, 5)), ("right", slice(5, 10))):
        layout[:, :, columns] = h5py.VirtualSource(f"{name}.h5", "entry/data/data", (2, 8, 5))
    with h5py.File(tmp_path / "x.nxs", "w") as file:
        file.create_virtual_dataset("entry/data/data", layout)

    read = readable_frames(open_run(tmp_path / "x.nxs"))
    np.testing.assert_array_equal([frame.counts for frame in read], frames)
    (tmp_path / "right.h5").unlink()
    unread = list(open_run(tmp_path / "x.nxs").frames())
    assert [isinstance(frame, Unreadable) and "right.h5" in frame.reason for frame in unread] == [True, True]
