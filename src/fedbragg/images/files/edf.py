"""EDF files of the ESRF: any number of frames, each a header and its counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fedbragg.images.files.fabio_file import FabioReader, opened_by_fabio
from fedbragg.images.files.header_text import check_size, leading_number
from fedbragg.images.files.image_file import UnreadableFileError
from fedbragg.images.format import Format
from fedbragg.images.header import Header, pair, stated_centre
from fedbragg.types import Geometry

KEYS = ("WaveLength", "SampleDistance", "Center_1", "Center_2", "PSize_1", "PSize_2")
BEGINNING = re.compile(rb"\s*\{\s*(EDF_|HeaderID)")
HEADER_END = re.compile(rb"\}\r?\n")


def _check(content: bytes) -> None:
    """Go from frame to frame: each header says how many bytes follow it."""
    position = 0
    while content.find(b"{", position) >= 0:
        end = HEADER_END.search(content, position)
        if not end:
            raise UnreadableFileError("a header has no end. Copy it again.")
        size = re.search(rb"\b(?:EDF_Binary)?Size\s*=\s*(\d+)", content[position : end.start()])
        if not size:
            return  # an old file, whose size follows from its dimensions
        position = end.end() + int(size.group(1))
        check_size(content, position)


def _header(header: Mapping[str, Any], content: bytes) -> Header:
    """Read the keys that ESRF beamlines write: metres and pixels."""
    wavelength, distance, x, y, width, height = (leading_number(header.get(key)) for key in KEYS)
    return Header(
        Geometry(
            wavelength=None if wavelength is None else wavelength * 1e10,
            distance=distance,
            beam_centre=stated_centre(x, y),
            pixel_size=pair(width, height),
        )
    )


READER = FabioReader("edfimage", "EdfImage", check=_check, header=_header)
EDF = Format(
    "EDF", (".edf",), opened_by_fabio(READER), lambda start: bool(BEGINNING.match(start)), single_frame=False
)
