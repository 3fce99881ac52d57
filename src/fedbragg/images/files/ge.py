"""Files of General Electric's amorphous-silicon panels: a binary header and 16-bit images, one after the other."""

from __future__ import annotations

import re
import struct
from io import SEEK_END
from typing import IO, Any

import numpy as np

from fedbragg.images.files.image_file import UnreadableFileError
from fedbragg.images.files.pages import Description, Page, opened_in_pages
from fedbragg.images.format import Format
from fedbragg.images.header import Header
from fedbragg.types import Geometry

START = b"ADEPT"
FIELDS = struct.Struct("<10sHLHLHHHH")
"""Name of the format, version and bytes of the standard header, of the user's; images, rows, columns, bits."""
HEADER, EDGE = 8192, 2048
"""Bytes of the header and pixels along an edge of the panels, if the header lacks them."""
DEPTHS: dict[int, np.dtype[Any]] = {8: np.dtype("<u1"), 16: np.dtype("<u2"), 32: np.dtype("<u4")}
BLANK = bytes(10)
"""Beginning of files whose writer left the header empty, as at the Advanced Photon Source since 2018."""
NUMBER = rb"Num_Images\s*=\s*(\d+)"
"""In the text that other files have in place of the header, since 2022."""


def describe(file: IO[bytes]) -> Description:
    """Return the images of a file; raise UnreadableFileError for an invalid header."""
    start = file.read(HEADER)
    if len(start) < HEADER:
        raise UnreadableFileError(f"its header is cut short ({len(start)} of {HEADER} bytes). Copy it again.")
    first, number, shape, dtype = _sizes(start, file.seek(0, SEEK_END))
    if number == 0:
        raise UnreadableFileError("holds no image. Check that its writer got any.")
    pages = (Page(shape, dtype, first + k * shape[0] * shape[1] * dtype.itemsize) for k in range(number))
    return Description(tuple(pages), Header(Geometry(detector="GE")))


GE = Format(
    "GE",
    (".ge", ".ge1", ".ge2", ".ge3", ".ge4", ".ge5"),
    opened_in_pages(describe),
    lambda start: start.startswith(START),
    single_frame=False,
)


def _sizes(start: bytes, size: int) -> tuple[int, int, tuple[int, int], np.dtype[Any]]:
    """Return the byte of the first image, their number, shape and type; ``size`` is that of the file in bytes."""
    edge = (EDGE, EDGE)
    if start.startswith(BLANK):
        whole, rest = divmod(size - HEADER, EDGE * EDGE * 2)
        if rest:
            raise UnreadableFileError(f"its {size} bytes are not a whole number of images. Copy it again.")
        return HEADER, whole, edge, DEPTHS[16]
    text = re.search(NUMBER, start)
    if text:
        return HEADER, int(text.group(1)), edge, DEPTHS[16]
    _, _, standard, _, user, number, rows, cols, bits = FIELDS.unpack_from(start)
    if not start.startswith(START) or bits not in DEPTHS or not rows * cols:
        raise UnreadableFileError("is not a GE file. Check that the extension is right.")
    return standard + user, number, (rows, cols), DEPTHS[bits]
