"""TIFF files; those of a Pilatus carry DECTRIS' header."""

from __future__ import annotations

from fedbragg.images.files.fabio_file import FabioReader, opened_by_fabio
from fedbragg.images.format import Format

PILATUS = FabioReader("pilatusimage", "PilatusImage", start=b"II*\0\x82\0")
OTHER = FabioReader("tifimage", "TifImage")
STARTS = (b"II*\0", b"MM\0*")
TIFF = Format(
    "TIFF",
    (".tif", ".tiff"),
    opened_by_fabio(PILATUS, OTHER),
    lambda start: start.startswith(STARTS),
    single_frame=False,
)
