"""Nonius KappaCCD files: a text header, the counts at the end."""

from __future__ import annotations

import re

from fedbragg.images.files.fabio_file import FabioReader, opened_by_fabio
from fedbragg.images.files.header_text import check_size, whole_number
from fedbragg.images.format import Format

LONGEST_LINE = 100


def _check(content: bytes) -> None:
    """Check that the counts, which lie at the file's end, do not begin within its header."""
    position = content.find(b"\n") + 1
    while (line := content[position : position + LONGEST_LINE].split(b"\n")[0]).isascii() and b"=" in line:
        position += len(line) + 1
    text = content[:position]
    readouts = re.search(rb"Number of readouts\s*=\s*(\d+)", text)
    rows, cols = (whole_number(text, axis + rb" dimension\s*=\s*(\d+)") for axis in (b"Y", b"X"))
    check_size(content, position + 2 * rows * cols * (int(readouts.group(1)) if readouts else 1))


KCD = Format(
    "KCD",
    (".kcd", ".kccd"),
    opened_by_fabio(FabioReader("kcdimage", "KcdImage", check=_check)),
    lambda start: start.startswith(b"No") and b"X dimension" in start,
)
