"""R-AXIS image plates of Rigaku: a binary header and 16-bit counts, whose highest bit marks a scale factor."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from fedbragg.images.files.fabio_file import FabioReader, opened_by_fabio
from fedbragg.images.files.header_text import check_size
from fedbragg.images.files.image_file import UnreadableFileError
from fedbragg.images.format import Format
from fedbragg.images.header import Header, stated_centre
from fedbragg.types import Geometry

START = b"R-AXIS"
SIZES = struct.Struct(">ii8xii")
"""Pixels along a row, rows, (pixel lengths,) bytes of a record, records; at byte 768."""
SIZES_AT = 768
KEYS = (
    *("Wavelength", "Crystal-to-detector Distance", "Direct beam X position", "Direct beam Y position"),
    *("X Pixel Length", "Y Pixel Length"),
)


def _check(content: bytes) -> None:
    """Check that the counts fill the space after the header, which is as long as one row's record."""
    if len(content) < SIZES_AT + SIZES.size:
        raise UnreadableFileError("its header is cut short. Copy it again.")
    _, _, record, records = SIZES.unpack_from(content, SIZES_AT)
    check_size(content, record * (records + 1))


def _header(header: Mapping[str, Any], content: bytes) -> Header:
    """Read the header: angstrom, millimetres and pixels; a zero is a field that was not set."""
    wavelength, distance, x, y, width, height = (_number(header.get(key)) for key in KEYS)
    return Header(
        Geometry(
            detector=START.decode(),
            wavelength=wavelength,
            distance=None if distance is None else distance * 1e-3,
            beam_centre=stated_centre(x, y),
            pixel_size=None if width is None or height is None else (width * 1e-3, height * 1e-3),
        )
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None


READER = FabioReader("raxisimage", "RaxisImage", start=START, check=_check, header=_header)
RAXIS = Format("R-AXIS", (".osc", ".stl"), opened_by_fabio(READER), lambda start: start.startswith(START))
