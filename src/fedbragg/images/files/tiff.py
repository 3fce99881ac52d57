"""TIFF files: plain pages are read straight from disk, packed ones by Pillow; a Pilatus' carry DECTRIS' header."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.files.dectris_header import read_dectris_header
from fedbragg.images.files.fabio_file import HDF5_START
from fedbragg.images.files.image_file import ImageFileSource, UnreadableFileError, read_bytes
from fedbragg.images.format import Format
from fedbragg.images.header import Header
from fedbragg.images.source import RunCache, Source
from fedbragg.types import Counts

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PACKED = (".gz", ".bz2")


@dataclass(frozen=True, slots=True)
class Page:
    """One image of a file."""

    shape: tuple[int, int]  # rows, cols
    dtype: np.dtype[Any]  # with the file's byte order
    start: int | None  # byte in the file where the image lies as it is; None: it is packed

    @property
    def end(self) -> int:
        """Return the byte after a plain image."""
        return 0 if self.start is None else self.start + self.shape[0] * self.shape[1] * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class TiffFile:
    """An open file, whose pages are read when they are asked for; threads read side by side."""

    reopen: Callable[[], IO[bytes]]
    pages: tuple[Page, ...]
    header: Header
    pool: BufferPool

    def __len__(self) -> int:
        """Return the number of pages."""
        return len(self.pages)

    def pixels(self, index: int) -> Counts:
        """Return one page, or raise UnreadableFileError or any error of Pillow's."""
        page = self.pages[index]
        with self.reopen() as file:
            return (
                self._plain(file, page, page.start)
                if page.start is not None
                else _unpacked(file, index, page)
            )

    def _plain(self, file: IO[bytes], page: Page, start: int) -> Counts:
        counts: Counts = self.pool.take(page.shape, page.dtype)
        file.seek(start)
        found: int = file.readinto(counts.reshape(-1).view(np.uint8))  # type: ignore[attr-defined]
        if found < counts.nbytes:
            raise UnreadableFileError("was shortened while it was read. Read it again.")
        return counts


def open_tiff(path: str, cache: RunCache) -> Source:
    """Open a TIFF file; raise RunError."""
    return ImageFileSource(path, partial(_open, pool=cache.pool), cache)


TIFF = Format(
    "TIFF", (".tif", ".tiff"), open_tiff, lambda start: start.startswith(STARTS), single_frame=False
)


def _open(path: str, pool: BufferPool) -> TiffFile:
    packed = read_bytes(path) if path.lower().endswith(PACKED) else None

    def reopen() -> IO[bytes]:
        return Path(path).open("rb") if packed is None else BytesIO(packed)

    with reopen() as file:
        start = file.read(len(HDF5_START))
        if start == HDF5_START:
            raise UnreadableFileError("is an HDF5 file. Give it the extension .h5.")
        if not start.startswith(STARTS):
            raise UnreadableFileError("is no TIFF file. Check that the extension is right.")
        pages, text = _pages(file)
        _check_complete(pages, file.seek(0, SEEK_END))
    return TiffFile(reopen, pages, read_dectris_header(text) if "Pixel_size" in text else Header(), pool)


def _pages(file: IO[bytes]) -> tuple[tuple[Page, ...], str]:
    """Return the images that a file describes, and the text that goes with the first."""
    import tifffile

    file.seek(0)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it logs is reported by our own errors
    with tifffile.TiffFile(file) as opened:
        pages = tuple(_page(page, opened.byteorder) for page in opened.pages)
        return pages, str(opened.pages.first.description) if pages else ""


def _page(page: Any, byte_order: str) -> Page:
    if len(page.shape) != 2 or page.dtype is None or page.dtype.kind not in "iuf":
        raise UnreadableFileError(f"holds pictures of shape {page.shape}, not counts of rows and columns.")
    start = int(page.dataoffsets[0]) if page.is_contiguous else None
    return Page(page.shape, page.dtype.newbyteorder(byte_order), start)


def _check_complete(pages: tuple[Page, ...], size: int) -> None:
    end = max((page.end for page in pages), default=0)
    if end > size:
        raise UnreadableFileError(f"its data are cut short ({size} of {end} bytes). Copy it again.")


def _unpacked(file: IO[bytes], index: int, page: Page) -> Counts:
    from PIL import Image

    with Image.open(file) as image:
        image.seek(index)
        pixels: Counts = np.asarray(image)
    native = page.dtype.newbyteorder("=")
    if pixels.shape != page.shape or pixels.dtype.itemsize != native.itemsize:
        raise UnreadableFileError(f"its packing of {native} cannot be read. Save it without compression.")
    return pixels.view(native)  # Pillow has signed numbers of 32 bits alone
