"""``FILE:FRAME``: one frame of a file, by the name a user gives it."""

from __future__ import annotations

import re
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.images.run import open_run
from fedbragg.types import Run


def file_and_frame(what: str) -> tuple[str, int | None]:
    """Take ``FILE:FRAME`` apart; a file whose own name ends so is taken whole."""
    numbered = re.fullmatch(r"(.+):(\d+)", what)
    if numbered is None or Path(what).exists():
        return what, None
    return numbered[1], int(numbered[2])


def open_named(what: str) -> tuple[Run, int | None]:
    """Open ``FILE`` or ``FILE:FRAME``, frames from 0, and return the run and the frame named, if one is.

    Raises InputError where the file has no such frame, and what ``open_run`` raises.
    """
    path, index = file_and_frame(what)
    run = open_run(path)
    if index is not None and index >= len(run):
        raise InputError(f"{path}: has {len(run)} frames; give one from 0 to {len(run) - 1}, not {index}.")
    return run, index
