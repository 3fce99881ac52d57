"""CBF files: those of Pilatus and Eiger (one byte-offset section) are decoded here, others by CBFlib."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import partial

import numpy as np

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.files.cbf_library import MOST_PIXELS, read_sections
from fedbragg.images.files.dectris_header import read_dectris_header
from fedbragg.images.files.header_text import whole_number
from fedbragg.images.files.image_file import ImageFileSource, SingleImage, UnreadableFileError, read_bytes
from fedbragg.images.format import Format
from fedbragg.images.source import RunCache, Source
from fedbragg.types import Counts

START = b"\x0c\x1a\x04\xd5"
"""The four bytes that the CBF definition puts before the binary section."""
ELEMENTS = {
    f"{sign} {bits}-bit integer": np.dtype(f"{letter}{bits // 8}")
    for sign, letter in (("signed", "i"), ("unsigned", "u"))
    for bits in (8, 16, 32)
}


def open_cbf(path: str, cache: RunCache) -> Source:
    """Open a CBF file, whose counts are decoded into memory of the run's pool; raise RunError."""
    return ImageFileSource(path, partial(_read, pool=cache.pool), cache)


CBF = Format("CBF", (".cbf",), open_cbf, lambda start: start.startswith(b"###CBF"))


def _read(path: str, pool: BufferPool) -> SingleImage:
    content = read_bytes(path)
    if _needs_library(content):
        pixels, described = read_sections(content)
        return SingleImage(lambda: pixels, described)
    header, binary = _split(content)
    return SingleImage(partial(_decode, header, binary, pool), read_dectris_header(header.decode("latin-1")))


def _split(content: bytes) -> tuple[bytes, bytes]:
    """Return header and binary section, whose size and MD5 are checked."""
    start = content.find(START)
    header = content[: max(start, 0)]
    if not content.startswith(b"###CBF") or b"X-Binary-Size:" not in header:
        raise UnreadableFileError("no CBF file with a binary section. Check that the extension is right.")
    size = whole_number(header, rb"X-Binary-Size:\s*(\d+)")
    binary = content[start + len(START) : start + len(START) + size]
    if len(binary) < size:
        raise UnreadableFileError(f"its data are cut short ({len(binary)} of {size} bytes). Copy it again.")
    digest = re.search(rb"Content-MD5:\s*(\S+)", header)
    if digest and base64.b64encode(hashlib.md5(binary, usedforsecurity=False).digest()) != digest.group(1):
        raise UnreadableFileError("its checksum (Content-MD5) does not fit its data. Copy it again.")
    return header, binary


def _needs_library(content: bytes) -> bool:
    """Tell whether a file is no plain Pilatus or Eiger file: several sections, or another compression."""
    sections = content.count(b"X-Binary-Size:")
    return sections > 1 or (sections == 1 and b"x-CBF_BYTE_OFFSET" not in content[: content.find(START)])


def _decode(header: bytes, binary: bytes, pool: BufferPool) -> Counts:
    from fedbragg.images.codecs.byte_offset import decode_byte_offset

    element = re.search(rb'X-Binary-Element-Type:\s*"([^"]*)"', header)
    dtype = ELEMENTS.get(element.group(1).decode("latin-1") if element else "")
    if dtype is None:
        raise UnreadableFileError("its pixels are not integers of 8, 16 or 32 bits. Convert it to NeXus.")
    cols = whole_number(header, rb"X-Binary-Size-Fastest-Dimension:\s*(\d+)")
    rows = whole_number(header, rb"X-Binary-Size-Second-Dimension:\s*(\d+)")
    if not 0 < rows * cols < MOST_PIXELS:
        raise UnreadableFileError(
            f"its header gives it {rows} x {cols} pixels. Copy it again from its source."
        )
    counts: Counts = pool.take((rows, cols), dtype)
    if not decode_byte_offset(np.frombuffer(binary, np.uint8), counts.reshape(-1)):
        raise UnreadableFileError("its data do not fill its pixels. Copy it again from its source.")
    return counts
