"""Bruker files of formats 86 and 100."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fedbragg.images.files.fabio_file import FabioReader, opened_by_fabio
from fedbragg.images.files.header_text import NUMBER, check_size, leading_number, whole_number
from fedbragg.images.format import Format
from fedbragg.images.header import Header
from fedbragg.types import Geometry

BLOCK = 512
"""Bytes; a header is a number of whole blocks."""
HEADER_BLOCKS = 15
KEYS = (b"HDRBLKS", b"NROWS", b"NCOLS", b"NPIXELB", b"NOVERFL")


def _check_86(content: bytes) -> None:
    """Check that a file has all its pixels and the table of those that overflow a byte."""
    text = content[: HEADER_BLOCKS * BLOCK]
    blocks, rows, cols, width, over = (whole_number(text, key + rb"\s*:\s*(\d+)") for key in KEYS)
    check_size(content, BLOCK * blocks + rows * cols * width + 16 * over)


def _header(header: Mapping[str, Any], content: bytes) -> Header:
    """Read the header: centimetre, angstrom and pixels."""
    centre = [float(value) for value in re.findall(NUMBER, str(header.get("CENTER", "")))[:2]]
    distances = [float(value) for value in re.findall(NUMBER, str(header.get("DISTANC", "")))]
    return Header(
        Geometry(
            detector=str(header.get("MODEL") or header.get("DETTYPE") or "") or None,
            wavelength=leading_number(header.get("WAVELEN")),
            distance=distances[-1] * 1e-2 if distances else None,  # the last of two is the corrected one
            beam_centre=(centre[0], centre[1]) if len(centre) == 2 else None,
        )
    )


FORMAT_100 = FabioReader("bruker100image", "Bruker100Image", start=b"FORMAT :100", header=_header)
FORMAT_86 = FabioReader("brukerimage", "BrukerImage", check=_check_86, header=_header)
BRUKER = Format(
    "Bruker",
    (".gfrm", ".sfrm"),
    opened_by_fabio(FORMAT_100, FORMAT_86),
    lambda start: start.startswith(b"FORMAT :"),
)
