"""Esperanto files, which CrysAlisPro imports: a text header of 256-byte lines, then counts."""

from __future__ import annotations

from fedbragg.images.files.fabio_file import FabioReader, opened_by_fabio
from fedbragg.images.format import Format

START = b"ESPERANTO FORMAT"
ESPERANTO = Format(
    "Esperanto",
    (".esper", ".esperanto"),
    opened_by_fabio(FabioReader("esperantoimage", "EsperantoImage")),
    lambda start: start.startswith(START),
)
