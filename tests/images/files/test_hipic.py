"""HiPic files of Hamamatsu cameras, also under SMV's extension."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from detector_files import counts, hipic
from fabio.HiPiCimage import HipicImage

from fedbragg.images import open_run
from fedbragg.types import Frame


@pytest.mark.parametrize("name", ["a.hipic", "a.img", "a.unknown"])
def test_counts_are_those_of_fabio(tmp_path: Path, name: str) -> None:
    image = counts("u2", (40, 30))
    hipic(tmp_path / name, image)
    (frame,) = open_run(tmp_path / name).frames()
    assert isinstance(frame, Frame)
    np.testing.assert_array_equal(frame.counts, image)
    np.testing.assert_array_equal(HipicImage().read(str(tmp_path / name)).data, image)
