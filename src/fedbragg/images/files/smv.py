"""SMV files of ADSC and d*TREK detectors; Oxford Diffraction's, R-AXIS' and HiPic's share their extension .img."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedbragg.images.files.fabio_file import FabioReader, opened_by_fabio
from fedbragg.images.files.header_text import check_size, leading_number, whole_number
from fedbragg.images.files.hipic import FIELDS, HIPIC, recognised
from fedbragg.images.files.raxis import READER as RAXIS
from fedbragg.images.format import Format
from fedbragg.images.header import Header
from fedbragg.images.mask import TrustedRange
from fedbragg.images.source import RunCache, Source
from fedbragg.types import Geometry

KEYS = ("PIXEL_SIZE", "BEAM_CENTER_X", "BEAM_CENTER_Y", "DISTANCE", "WAVELENGTH", "CCD_IMAGE_SATURATION")


def _check(content: bytes) -> None:
    """Check that the counts fill the space that the header gives them."""
    header = whole_number(content[:64], rb"HEADER_BYTES=\s*(\d+)")
    text = content[:header]
    width = 4 if re.search(rb"(Data_type|TYPE)=\s*(signed_long|unsigned_long|long)", text) else 2
    pixels = whole_number(text, rb"SIZE1=\s*(\d+)") * whole_number(text, rb"SIZE2=\s*(\d+)")
    check_size(content, header + width * pixels)


def _header(header: Mapping[str, Any], content: bytes) -> Header:
    """Read an ADSC header: lengths in millimetres, wavelength in angstrom.

    ADSC's x runs down the rows and its y along them, as DENZO has it; the rings of measured files confirm it.
    """
    pixel, x, y, distance, wavelength, saturation = (leading_number(header.get(key)) for key in KEYS)
    return Header(
        Geometry(
            detector=f"ADSC {header['DETECTOR_SN']}" if "DETECTOR_SN" in header else None,
            wavelength=wavelength,
            distance=None if distance is None else distance * 1e-3,
            beam_centre=None if not pixel or x is None or y is None else (y / pixel, x / pixel),
            pixel_size=None if not pixel else (pixel * 1e-3, pixel * 1e-3),
        ),
        TrustedRange(high=saturation),
    )


OXFORD = FabioReader("OXDimage", "OXDimage", start=b"OD")
D_TREK = FabioReader("dtrekimage", "DtrekImage", check=_check, header=_header)
BY_FABIO = opened_by_fabio(OXFORD, RAXIS, D_TREK)


def open_smv(path: str, cache: RunCache) -> Source:
    """Open a file of the extension .img; raise RunError."""
    return HIPIC.open(path, cache) if _is_hipic(path) else BY_FABIO(path, cache)


SMV = Format("SMV", (".img", ".smv"), open_smv, lambda start: b"HEADER_BYTES=" in start[:64])


def _is_hipic(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return recognised(file.read(FIELDS.size))
    except OSError:
        return False  # opening it reports the reason
