"""One format of image files: how its files are recognised and opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fedbragg.images.source import OpenSource

Recognise = Callable[[bytes], bool]
"""Tells from a file's first 4096 bytes whether it is of the format."""


@dataclass(frozen=True, slots=True)
class Format:
    """A row of the table of formats."""

    name: str  # as messages name it
    extensions: tuple[str, ...]  # in lower case, with the dot
    open: OpenSource
    recognise: Recognise | None = None  # for files whose extension is unknown
    single_frame: bool = True  # every file holds one frame, so that a run counts files without opening them
    compressed: bool = True  # its files are also read inside .gz and .bz2
