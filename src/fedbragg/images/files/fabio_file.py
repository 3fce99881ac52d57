"""Image files that fabio decodes, checked first: fabio fills in or shifts what is missing from a file cut short."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from fedbragg.images.files.dectris_header import read_dectris_header
from fedbragg.images.files.image_file import ImageFile, UnreadableFileError, opened_by, read_bytes
from fedbragg.images.header import Header
from fedbragg.images.source import OpenSource
from fedbragg.types import Counts

HDF5_START = b"\x89HDF"


def _no_check(content: bytes) -> None:
    pass


ReadHeader = Callable[[Mapping[str, Any], bytes], Header]
"""Reads fabio's header, and the content of the file where fabio leaves something out."""


def _no_header(header: Mapping[str, Any], content: bytes) -> Header:
    return Header()


@dataclass(frozen=True, slots=True)
class FabioReader:
    """One of fabio's readers, with our check of the file and our reading of the header."""

    module: str  # in the package fabio
    name: str  # of the class in that module
    start: bytes = b""  # the first bytes of the files that it reads
    check: Callable[[bytes], None] = _no_check  # raises UnreadableFileError for an incomplete file
    header: ReadHeader = _no_header


def opened_by_fabio(*readers: FabioReader) -> OpenSource:
    """Return a function that opens files with the first of the readers whose first bytes fit."""
    return opened_by(partial(_open, readers=readers))


def _open(path: str, readers: Sequence[FabioReader]) -> ImageFile:
    content = read_bytes(path)
    if content.startswith(HDF5_START):
        raise UnreadableFileError("is an HDF5 file. Give it the extension .h5.")
    reader = next((reader for reader in readers if content.startswith(reader.start)), readers[-1])
    reader.check(content)
    image = _decoded(content, path, reader)
    return FabioFile(image, _header(image, content, reader))


def _decoded(content: bytes, path: str, reader: FabioReader) -> Any:
    from fabio.fabioutils import BytesIO

    logging.getLogger("fabio").setLevel(logging.CRITICAL)  # our own errors report its messages
    # Not through fabio's own registry, which fills itself at its first use and is not safe for threads.
    image = getattr(import_module(f"fabio.{reader.module}"), reader.name)()
    return image.read(BytesIO(content, fname=path))


def _header(image: Any, content: bytes, reader: FabioReader) -> Header:
    header = dict(image.header)
    if "Pixel_size" in header:  # DECTRIS' own header, in a Pilatus TIFF or in a file converted from one
        return read_dectris_header("\n".join(f"# {key} {value}" for key, value in header.items()))
    return reader.header(header, content)


class FabioFile:
    """An image of fabio, read whole."""

    def __init__(self, image: Any, header: Header) -> None:
        self.header = header
        self._image = image
        self._lock = threading.Lock()  # fabio's frames share one position in the file

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self._image.nframes)

    def pixels(self, index: int) -> Counts:
        """Return one frame, or raise UnreadableFileError or any error of fabio's."""
        with self._lock:
            image = self._image if index == 0 else self._image.getframe(index)
            pixels: Counts | None = image.data
        if pixels is None:
            raise UnreadableFileError("holds no pixels. Copy the file again from its source.")
        return pixels
