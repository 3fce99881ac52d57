"""NumPy files, and those that are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from detector_files import counts
from run_checks import assert_refused, readable_frames

from fedbragg.images import open_run


@pytest.mark.parametrize("shape", [(0, 60, 70), (70,), (2, 3, 60, 70), (0, 0)])
def test_arrays_of_impossible_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint16))
    assert_refused(tmp_path / "a.npy", "no frame|not an image")


def test_arrays_of_python_objects_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[{}, {}]]), allow_pickle=True)
    assert_refused(tmp_path / "a.npy", "no readable NumPy file")


def test_a_pair_of_npz_arrays_is_ambiguous(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=counts("u2"), two=counts("u2"))
    assert_refused(tmp_path / "a.npz", "holds 2 arrays")


@pytest.mark.parametrize("frames", [1, 3])
def test_an_array_of_three_dimensions_is_a_run_of_frames(tmp_path: Path, frames: int) -> None:
    array = counts("i4", (frames, 60, 70))
    for name in ("several.npy", "several.npz"):
        (np.save if name.endswith("npy") else np.savez)(tmp_path / name, array)
        run = open_run(tmp_path / name)
        assert len(run) == frames
        np.testing.assert_array_equal([frame.counts for frame in readable_frames(run)], array)
