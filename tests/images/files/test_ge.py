"""GE panels' files: one image after the other, with a header, without one, or with a text in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from detector_files import counts, ge
from fabio.GEimage import GeImage
from run_checks import assert_refused

from fedbragg.images import open_run
from fedbragg.types import Frame


def test_images_are_those_of_fabio(tmp_path: Path) -> None:
    images = np.stack([counts("u2", (40, 30), seed=k) for k in range(3)])
    ge(tmp_path / "run.ge2", images)
    frames = list(open_run(tmp_path / "run.ge2").frames())
    peer = GeImage().read(str(tmp_path / "run.ge2"))
    assert len(frames) == peer.nframes == 3
    for index, frame in enumerate(frames):
        assert isinstance(frame, Frame)
        np.testing.assert_array_equal(frame.counts, images[index])
        np.testing.assert_array_equal(peer.getframe(index).data, images[index])


@pytest.mark.parametrize("start", [b"", b"{\nEDF_DataBlockID = 0 ;\nNum_Images = 2 ;\n}\n"])
def test_without_a_header_images_have_2048_pixels_along_an_edge(tmp_path: Path, start: bytes) -> None:
    images = np.zeros((2, 2048, 2048), "<u2")
    images[:, 5, 7] = 100, 200
    (tmp_path / "run.ge").write_bytes(start.ljust(8192, b"\0") + images.tobytes())
    found = [
        frame.counts[5, 7] for frame in open_run(tmp_path / "run.ge").frames() if isinstance(frame, Frame)
    ]
    assert found == [100, 200]


def test_sizes_that_fit_no_image_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ge").write_bytes(bytes(8192 + 1000))
    assert_refused(tmp_path / "a.ge", "not a whole number of images")
    (tmp_path / "b.ge").write_bytes(b"something else".ljust(9000))
    assert_refused(tmp_path / "b.ge", "is not a GE file")
