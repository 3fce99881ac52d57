"""``FILE:FRAME``: how a user names one frame of a file."""

from __future__ import annotations

import re
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.images.open import open_run
from fedbragg.types import Run


def file_and_frame(address: str) -> tuple[str, int | None]:
    """Split ``FILE:FRAME``; a file whose own name ends in a colon and a number is not split."""
    numbered = re.fullmatch(r"(.+):(\d+)", address)
    if numbered is None or Path(address).exists():
        return address, None
    return numbered[1], int(numbered[2])


def open_named(address: str, geometry: Path | None = None) -> tuple[Run, int | None]:
    """Open ``FILE`` or ``FILE:FRAME``, frames from 0; return the run and the frame, None where none is named.

    Raises InputError where the file has no such frame, and the errors of ``open_run``.
    """
    path, index = file_and_frame(address)
    run = open_run(path, geometry=geometry)
    if index is not None and index >= len(run):
        raise InputError(f"{path}: has {len(run)} frames; give one from 0 to {len(run) - 1}, not {index}.")
    return run, index
