"""A format offers pixels and a header; the source makes frames of them and puts the path into every error."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import FrameError, RunError
from fedbragg.images.files.image_file import (
    ImageFile,
    ImageFileSource,
    SingleImage,
    UnreadableFileError,
    read_bytes,
)
from fedbragg.images.header import Header
from fedbragg.images.mask import TrustedRange
from fedbragg.images.source import RunCache
from fedbragg.types import Counts, Geometry

PIXELS = np.array([[1, 2, 3], [4, 5, 65535]], np.uint16)


def source_of(file: ImageFile) -> ImageFileSource:
    return ImageFileSource("a.x", lambda path: file, RunCache())


def test_pixels_become_a_frame_with_its_mask() -> None:
    header = Header(Geometry(distance=0.2), TrustedRange(high=4))
    source = source_of(SingleImage(lambda: PIXELS, header))
    frame = source.read(0)
    assert (len(source), source.geometry) == (1, Geometry(distance=0.2))
    assert (frame.path, frame.index) == ("a.x", 0)
    np.testing.assert_array_equal(frame.counts, PIXELS)
    assert np.shares_memory(frame.counts, PIXELS)  # no copy
    assert frame.mask.tolist() == [[False, False, False], [False, True, True]]


def fail(error: Exception) -> Counts:
    raise error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UnreadableFileError("it is cut short. Copy it again."), "it is cut short. Copy it again."),
        (
            ValueError("bad\nvalue"),
            "cannot be decoded (bad value). Check that the extension is right, or copy",
        ),
        (KeyError(), "cannot be decoded (KeyError). Check that the extension is right, or copy it again."),
    ],
)
def test_any_error_of_a_decoder_names_the_file_in_one_line(error: Exception, message: str) -> None:
    with pytest.raises(FrameError) as caught:
        source_of(SingleImage(lambda: fail(error))).read(0)
    assert str(caught.value).startswith(f"a.x frame 0: {message}")

    def open_file(path: str) -> ImageFile:
        raise error

    with pytest.raises(RunError) as refused:
        ImageFileSource("a.x", open_file, RunCache())
    assert str(refused.value).startswith(f"a.x: {message}")


def test_files_are_decompressed_and_their_checksum_is_checked(tmp_path: Path) -> None:
    content = bytes(range(256))
    (tmp_path / "a.x").write_bytes(content)
    (tmp_path / "b.x.GZ").write_bytes(gzip.compress(content))
    (tmp_path / "c.x.bz2").write_bytes(bz2.compress(content))
    assert {read_bytes(str(path)) for path in tmp_path.iterdir()} == {content}

    damaged = bytearray(gzip.compress(content))
    damaged[-6] ^= 1  # of the CRC
    (tmp_path / "d.x.gz").write_bytes(damaged)
    with pytest.raises(UnreadableFileError, match="cannot be decompressed"):
        read_bytes(str(tmp_path / "d.x.gz"))
    with pytest.raises(UnreadableFileError, match="no such file"):
        read_bytes(str(tmp_path / "e.x"))
