"""Datasets that HDF5 itself reads."""

from __future__ import annotations

import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from detector_files import counts
from run_checks import readable_frames

from fedbragg.images import open_run
from fedbragg.types import Frame, Unreadable


@pytest.mark.parametrize("chunks", [None, (3, 60, 70), (1, 30, 35), (2, 60, 70)])
def test_other_chunk_shapes_and_contiguous_datasets_read_alike(
    tmp_path: Path, chunks: tuple[int, ...] | None
) -> None:
    frames = counts("u2", (6, 60, 70))
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_dataset("entry/data/data", data=frames, chunks=chunks)
    np.testing.assert_array_equal(
        [frame.counts for frame in readable_frames(open_run(tmp_path / "run.h5"))], frames
    )


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


@pytest.mark.parametrize("chunks", [(1, 60, 70), (2, 60, 70), (1, 30, 70), None])
def test_frames_that_were_never_written_are_no_zeros(tmp_path: Path, chunks: tuple[int, ...] | None) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        data = file.create_dataset("entry/data/data", (4, 60, 70), np.uint16, chunks=chunks)
        if chunks:
            data[2:4] = counts("u2", (2, 60, 70))
    frames = list(open_run(tmp_path / "run.h5").frames())
    expected = [Unreadable] * 2 + [Frame if chunks else Unreadable] * 2
    assert [type(frame) for frame in frames] == expected
    assert isinstance(frames[0], Unreadable)
    assert "never written" in frames[0].reason
