"""Where HDF5 files keep their images."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
import pytest
from detector_files import counts
from hdf5_files import cxidb, stack
from hypothesis import given, settings
from hypothesis import strategies as st
from run_checks import assert_refused, readable_frames

from fedbragg.errors import RunError
from fedbragg.images import open_run
from fedbragg.images.hdf5.layout import find_image_datasets
from fedbragg.types import Frame, Unreadable


def test_panels_of_an_event_lie_one_below_the_other(tmp_path: Path) -> None:
    panels = counts("i2", (4, 8, 20, 30))
    cxidb(tmp_path / "panels.h5", panels, [])
    frame = readable_frames(open_run(tmp_path / "panels.h5"))[2]
    assert frame.counts.shape == (160, 30)
    np.testing.assert_array_equal(frame.counts[20:40], panels[2, 1])


def test_datasets_of_one_name_in_many_groups_are_one_run(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        for tag in (2, 10, 1):
            file[f"tag-{tag}/data"] = np.full((20, 30), tag, np.uint16)
    assert [int(frame.counts[0, 0]) for frame in readable_frames(open_run(tmp_path / "run.h5"))] == [1, 2, 10]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((0, 60, 70), "holds no frame"),
        ((70,), "no stack of images"),
        ((2, 3, 4, 60, 70), "no stack of images"),
    ],
)
def test_hdf5_of_impossible_shape_is_refused(tmp_path: Path, shape: tuple[int, ...], words: str) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_dataset("entry/data/data", shape, np.uint16)
    assert_refused(tmp_path / "run.h5", words)


PLACES = (
    "entry/data/data",
    "entry/data/data_000001",
    "entry/data/data_000002",
    "data/1/images",
    "data/10/images",
    "x/y",
)
SHAPES = ((), (3,), (6, 7), (2, 6, 7), (2, 2, 6, 7), (0, 6, 7), (2, 3, 4), (1, 1, 1, 6, 7))


@settings(deadline=None, max_examples=80)
@given(
    datasets=st.dictionaries(st.sampled_from(PLACES), st.sampled_from(SHAPES), max_size=4),
    dtype=st.sampled_from(["u2", "i4", "f4", "S3"]),
)
def test_datasets_of_any_shape_at_any_place_are_frames_or_refused(
    datasets: dict[str, tuple[int, ...]], dtype: str
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "run.h5")
        with h5py.File(path, "w") as file:
            for place, shape in datasets.items():
                file.create_dataset(place, shape, dtype)
        try:
            run = open_run(path)
        except RunError as error:
            assert str(error).startswith(f"{path}: ")
            return
        frames = list(run.frames())
    assert len(frames) == len(run) > 0
    assert all(isinstance(frame, Frame | Unreadable) for frame in frames)


def test_numbered_links_go_before_the_known_places_and_these_before_larger_datasets(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["other/stack"] = np.full((9, 20, 30), 3, np.uint16)
        file["entry/data/data"] = np.full((2, 20, 30), 2, np.uint16)
        assert [images.address for images in find_image_datasets(file, "run.h5")] == ["entry/data/data"]
        file["entry/data/data_000002"] = np.full((1, 20, 30), 1, np.uint16)
        file["entry/data/data_000010"] = np.full((1, 20, 30), 1, np.uint16)
        found = find_image_datasets(file, "run.h5")
    assert [images.address for images in found] == ["/entry/data/data_000002", "/entry/data/data_000010"]


def test_events_name_the_stack_of_a_frame_where_the_layout_numbers_stacks(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x_master.h5", "w") as file:
        file["entry/data/data_000001"] = np.zeros((2, 20, 30), np.uint16)
        file["entry/data/data_000002"] = h5py.ExternalLink("missing.h5", "/entry/data/data")
    cxidb(tmp_path / "r.h5", np.zeros((6, 20, 30), np.int32), [])
    stack(tmp_path / "one.h5", np.zeros((2, 20, 30), np.uint16), {})

    def events(name: str) -> list[str]:
        return [frame.event for frame in open_run(tmp_path / name).frames()]

    assert events("x_master.h5") == ["data_000001//0", "data_000001//1", "data_000002//0"]
    assert events("r.h5") == [
        f"{chunk}//{index}" for chunk in ("chunk_1", "chunk_2", "chunk_10") for index in (0, 1)
    ]
    assert events("one.h5") == ["//0", "//1"]
