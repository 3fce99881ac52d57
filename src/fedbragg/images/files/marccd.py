"""MarCCD and Rayonix files: a TIFF whose own header begins at byte 1024."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedbragg.images.files.fabio_file import FabioReader, opened_by_fabio
from fedbragg.images.format import Format
from fedbragg.images.header import Header, pair, stated_centre
from fedbragg.images.mask import TrustedRange
from fedbragg.types import Geometry

START = 1024
"""Where the header begins, in bytes."""


def _header(header: Mapping[str, Any], content: bytes) -> Header:
    """Read the binary header; a zero is a field that was not set."""

    def number(offset: int, unit: float) -> float | None:
        raw = int.from_bytes(content[START + offset : START + offset + 4], "little", signed=True)
        return raw * unit if raw > 0 else None

    return Header(
        Geometry(
            detector="MarCCD",
            wavelength=number(908, 1e-5),  # femtometre
            distance=number(696, 1e-6) or number(640, 1e-6),  # micrometre, at the start or as it was last set
            beam_centre=stated_centre(number(644, 1e-3), number(648, 1e-3)),  # thousandths of a pixel
            pixel_size=pair(number(772, 1e-9), number(776, 1e-9)),  # nanometre
        ),
        TrustedRange(high=number(104, 1)),
    )


MARCCD = Format(
    "MarCCD",
    (".mccd",),
    opened_by_fabio(FabioReader("marccdimage", "MarccdImage", header=_header)),
    lambda start: start[:2] in (b"II", b"MM") and start[START + 4 : START + 7] == b"MMX",
)
