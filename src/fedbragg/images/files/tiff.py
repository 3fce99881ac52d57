"""TIFF files: plain pages are read straight from disk, packed ones by Pillow; a Pilatus' carry DECTRIS' header."""

from __future__ import annotations

import logging
from typing import IO, Any

import numpy as np

from fedbragg.images.files.dectris_header import read_dectris_header
from fedbragg.images.files.image_file import UnreadableFileError
from fedbragg.images.files.pages import Description, Page, opened_in_pages
from fedbragg.images.format import Format
from fedbragg.images.header import Header
from fedbragg.types import Counts

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def describe(file: IO[bytes]) -> Description:
    """Return the images that a file describes, and the header that goes with the first."""
    import tifffile

    if not file.read(4).startswith(STARTS):
        raise UnreadableFileError("is not a TIFF file. Check that the extension is right.")
    file.seek(0)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # our own errors report its messages
    with tifffile.TiffFile(file) as opened:
        pages = tuple(_page(page, opened.byteorder) for page in opened.pages)
        text = str(opened.pages.first.description) if pages else ""
    return Description(pages, read_dectris_header(text) if "Pixel_size" in text else Header(), _unpacked)


TIFF = Format(
    "TIFF",
    (".tif", ".tiff"),
    opened_in_pages(describe),
    lambda start: start.startswith(STARTS),
    single_frame=False,
)


def _page(page: Any, byte_order: str) -> Page:
    if len(page.shape) != 2 or page.dtype is None or page.dtype.kind not in "iuf":
        raise UnreadableFileError(
            f"has shape {page.shape}, as a colour picture. Give the counts of a detector."
        )
    start = int(page.dataoffsets[0]) if page.is_contiguous else None
    return Page(page.shape, page.dtype.newbyteorder(byte_order), start)


def _unpacked(file: IO[bytes], index: int, page: Page) -> Counts:
    from PIL import Image

    with Image.open(file) as image:
        image.seek(index)
        pixels: Counts = np.asarray(image)
    native = page.dtype.newbyteorder("=")
    if pixels.shape != page.shape or pixels.dtype.itemsize != native.itemsize:
        raise UnreadableFileError(f"its packing of {native} cannot be read. Save it without compression.")
    return pixels.view(native)  # Pillow has signed numbers of 32 bits alone
