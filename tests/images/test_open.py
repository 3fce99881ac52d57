"""The public way in: open_run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fedbragg.images import open_run, write_run
from fedbragg.types import Frame, Geometry


def test_a_written_run_opens_again_with_its_counts_and_geometry(tmp_path: Path) -> None:
    frames = np.random.default_rng(1).poisson(3, (5, 40, 30)).astype(np.uint16)
    geometry = Geometry("Eiger", 1.0, 0.2, (15.5, 20.25), (75e-6, 75e-6))
    assert write_run(tmp_path / "run.h5", frames, geometry=geometry) == 5

    run = open_run(tmp_path / "run.h5")

    assert len(run) == 5
    assert run.geometry == geometry
    read = list(run.frames())
    assert all(isinstance(frame, Frame) for frame in read)
    assert [frame.index for frame in read] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal([frame.counts for frame in read if isinstance(frame, Frame)], frames)


def test_names_of_earlier_versions_still_import() -> None:
    from fedbragg.images import ReadAhead, Reading

    assert Reading is ReadAhead
