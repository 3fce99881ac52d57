"""How users name one frame of a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from detector_files import counts
from hdf5_files import stack

from fedbragg.errors import InputError
from fedbragg.images.frame_address import file_and_frame, open_named


def test_a_number_after_a_colon_is_a_frame_unless_the_file_is_named_so(tmp_path: Path) -> None:
    assert file_and_frame("run.h5:17") == ("run.h5", 17)
    assert file_and_frame("run.h5") == ("run.h5", None)
    assert file_and_frame("a:b.h5") == ("a:b.h5", None)
    (tmp_path / "scan:3").touch()
    assert file_and_frame(f"{tmp_path}/scan:3") == (f"{tmp_path}/scan:3", None)


def test_the_named_frame_must_be_in_the_file(tmp_path: Path) -> None:
    stack(tmp_path / "run.h5", counts("u2", (2, 60, 70)), {})
    run, index = open_named(f"{tmp_path}/run.h5:1")
    assert (len(run), index) == (2, 1)
    assert open_named(f"{tmp_path}/run.h5")[1] is None
    with pytest.raises(InputError, match="has 2 frames; give one from 0 to 1, not 2"):
        open_named(f"{tmp_path}/run.h5:2")
