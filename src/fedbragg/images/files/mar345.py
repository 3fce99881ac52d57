"""Files of the mar345 image plate: counts in CCP4's packing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fedbragg.images.files.fabio_file import FabioReader, opened_by_fabio
from fedbragg.images.files.header_text import leading_number
from fedbragg.images.files.image_file import UnreadableFileError
from fedbragg.images.format import Format
from fedbragg.images.header import Header, stated_centre
from fedbragg.types import Geometry

EXTENSIONS = (
    ".mar345",
    *(f".mar{edge}" for edge in (1200, 1600, 1800, 2000, 2300, 2400, 3000, 3450)),
)
"""The general one, and one for every size that the scanner writes."""
STARTS = ((1234).to_bytes(4, "little"), (1234).to_bytes(4, "big"))
KEYS = ("DISTANCE", "CENTER_X", "CENTER_Y", "PIXEL_LENGTH", "PIXEL_HEIGHT", "WAVELENGTH")


def _check(content: bytes) -> None:
    """Check that the packed counts reach to the last pixel."""
    from fedbragg.images.codecs.ccp4_pack import packed_size

    start = re.search(rb"CCP4 packed image, X: *(\d+), Y: *(\d+)\n", content)
    if not start:
        raise UnreadableFileError("it lacks the line 'CCP4 packed image'. Check that the extension is right.")
    pixels = int(start.group(1)) * int(start.group(2))
    if packed_size(content[start.end() :], pixels) is None:
        raise UnreadableFileError("its packed data are cut short. Copy it again.")


def _header(header: Mapping[str, Any], content: bytes) -> Header:
    """Read the header: millimetre, micrometre, angstrom and pixels; a zero is a field that was not set."""
    distance, x, y, width, height, wavelength = (leading_number(header.get(key)) or None for key in KEYS)
    return Header(
        Geometry(
            detector=f"mar345 {header.get('SCANNER', '')}".strip(),
            wavelength=wavelength,
            distance=None if distance is None else distance * 1e-3,
            beam_centre=stated_centre(x, y),
            pixel_size=None if width is None or height is None else (width * 1e-6, height * 1e-6),
        )
    )


READER = FabioReader("mar345image", "Mar345Image", check=_check, header=_header)
MAR345 = Format("mar345", EXTENSIONS, opened_by_fabio(READER), lambda start: start[:4] in STARTS)
