"""Files whose images lie in them as they are, or packed: described once, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.files.fabio_file import HDF5_START
from fedbragg.images.files.image_file import ImageFileSource, UnreadableFileError, read_bytes
from fedbragg.images.header import Header
from fedbragg.images.source import OpenSource, RunCache, Source
from fedbragg.types import Counts

PACKED = (".gz", ".bz2")


@dataclass(frozen=True, slots=True)
class Page:
    """One image of a file."""

    shape: tuple[int, int]  # rows, cols
    dtype: np.dtype[Any]  # with the file's byte order
    start: int | None  # byte in the file where the image lies as it is; None: it is packed

    @property
    def size(self) -> int:
        """Return the number of bytes of the image."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize


Unpack = Callable[[IO[bytes], int, Page], Counts]
"""Reads the packed image of a number from a file."""


def _nothing_packed(file: IO[bytes], index: int, page: Page) -> Counts:
    raise UnreadableFileError("holds packed images. Copy it again.")


@dataclass(frozen=True, slots=True)
class Description:
    """A file's description of its images."""

    pages: tuple[Page, ...]
    header: Header = field(default_factory=Header)
    unpack: Unpack = _nothing_packed


Describe = Callable[[IO[bytes]], Description]
"""Reads the description from a file, or raises UnreadableFileError or any other error."""


@dataclass(frozen=True, slots=True)
class PagesFile:
    """An open file, whose images are read when they are asked for; threads read side by side."""

    reopen: Callable[[], IO[bytes]]
    description: Description
    pool: BufferPool

    @property
    def header(self) -> Header:
        """Return the file's facts about its detector."""
        return self.description.header

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.description.pages)

    def pixels(self, index: int) -> Counts:
        """Return one image, or raise UnreadableFileError or any error of the unpacker."""
        page = self.description.pages[index]
        with self.reopen() as file:
            if page.start is None:
                return self.description.unpack(file, index, page)
            file.seek(page.start)
            return self._read(file, page)

    def _read(self, file: IO[bytes], page: Page) -> Counts:
        counts: Counts = self.pool.take(page.shape, page.dtype)
        found: int = file.readinto(counts.reshape(-1).view(np.uint8))  # type: ignore[attr-defined]
        if found < counts.nbytes:
            raise UnreadableFileError("was shortened while it was read. Read it again.")
        return counts


def opened_in_pages(describe: Describe) -> OpenSource:
    """Return a function that opens the files that ``describe`` understands."""

    def open_source(path: str, cache: RunCache) -> Source:
        return ImageFileSource(path, partial(open_pages, describe=describe, pool=cache.pool), cache)

    return open_source


def open_pages(path: str, describe: Describe, pool: BufferPool) -> PagesFile:
    """Open a file; raise UnreadableFileError, or the errors of ``describe``."""
    packed = read_bytes(path) if path.lower().endswith(PACKED) else None

    def reopen() -> IO[bytes]:
        return Path(path).open("rb") if packed is None else BytesIO(packed)

    with reopen() as file:
        if file.read(len(HDF5_START)) == HDF5_START:
            raise UnreadableFileError("is an HDF5 file. Give it the extension .h5.")
        file.seek(0)
        description = describe(file)
        _check_complete(description.pages, file.seek(0, SEEK_END))
    return PagesFile(reopen, description, pool)


def _check_complete(pages: tuple[Page, ...], size: int) -> None:
    end = max((page.start + page.size for page in pages if page.start is not None), default=0)
    if end > size:
        raise UnreadableFileError(f"its data are cut short ({size} of {end} bytes). Copy it again.")
