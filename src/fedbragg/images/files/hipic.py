"""HiPic files of Hamamatsu cameras: a binary header, a comment, and 16-bit counts."""

from __future__ import annotations

import struct
from typing import IO

import numpy as np

from fedbragg.images.files.image_file import UnreadableFileError
from fedbragg.images.files.pages import Description, Page, opened_in_pages
from fedbragg.images.format import Format

START = b"IM"
FIELDS = struct.Struct("<2s6H")
"""Tag, bytes of the comment, pixels along a row, rows, offsets of both, type of the file."""
HEADER = 64
"""Bytes before the comment."""
WORDS = 2
"""Type of a file of 16-bit counts."""


def describe(file: IO[bytes]) -> Description:
    """Return the image of a file; raise UnreadableFileError for an invalid header."""
    start = file.read(HEADER)
    if len(start) < HEADER or not recognised(start):
        raise UnreadableFileError("is not a HiPic file of 16-bit counts. Check that the extension is right.")
    _, comment, cols, rows, *_ = FIELDS.unpack_from(start)
    return Description((Page((rows, cols), np.dtype("<u2"), HEADER + comment),))


def recognised(start: bytes) -> bool:
    """Tell whether a file begins as HiPic files of 16-bit counts do."""
    if len(start) < FIELDS.size or not start.startswith(START):
        return False
    _, _, cols, rows, _, _, kind = FIELDS.unpack_from(start)
    return bool(rows and cols) and kind == WORDS


HIPIC = Format("HiPic", (".hipic",), opened_in_pages(describe), recognised)
