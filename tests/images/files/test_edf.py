"""EDF files: several frames, geometry, and those cut short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from detector_files import counts, edf
from run_checks import assert_refused, readable_frames

from fedbragg.images import open_run
from fedbragg.types import Geometry


def test_a_file_of_several_frames_counts_them(tmp_path: Path) -> None:
    from fabio.edfimage import EdfImage

    frames = counts("i4", (3, 60, 70))
    image = EdfImage(data=frames[0])
    for frame in frames[1:]:
        image.append_frame(data=frame)
    image.write(str(tmp_path / "several.edf"))

    run = open_run(tmp_path / "several.edf")
    assert len(run) == 3
    np.testing.assert_array_equal([frame.counts for frame in readable_frames(run)], frames)


def test_the_keys_of_esrf_beamlines_give_geometry(tmp_path: Path) -> None:
    from fabio.edfimage import EdfImage

    header = {
        "WaveLength": "9.763e-11 m", "SampleDistance": "0.1 m", "Center_1": "30.5", "Center_2": "25.25",
        "PSize_1": "5e-05", "PSize_2": "5.5e-05",
    }  # fmt: skip
    EdfImage(data=counts("i4"), header=header).write(str(tmp_path / "a.edf"))
    geometry = open_run(tmp_path / "a.edf").geometry
    assert geometry.wavelength == pytest.approx(0.9763)
    assert geometry == Geometry(None, geometry.wavelength, 0.1, (30.5, 25.25), (5e-05, 5.5e-05))


def test_edf_whose_second_frame_is_cut_short_is_refused(tmp_path: Path) -> None:
    edf(tmp_path / "a.edf", counts("i4"))
    content = (tmp_path / "a.edf").read_bytes()
    (tmp_path / "a.edf").write_bytes(content + content[:-100])
    assert_refused(tmp_path / "a.edf", "cut short")
