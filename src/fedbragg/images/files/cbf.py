"""CBF files of Pilatus and Eiger: one byte-offset section, its checksum checked."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import numpy as np

from fedbragg.errors import FrameError, RunError
from fedbragg.images.files.headers import read_dectris
from fedbragg.images.files.integrity import DamagedFileError, header_number, read_bytes
from fedbragg.images.source import Shared, as_counts
from fedbragg.types import Counts, Frame

START = b"\x0c\x1a\x04\xd5"
"""Four bytes before the binary section, as the CBF definition has them."""
ELEMENTS = {
    f"{sign} {bits}-bit integer": np.dtype(f"{letter}{bits // 8}")
    for sign, letter in (("signed", "i"), ("unsigned", "u"))
    for bits in (8, 16, 32)
}
LARGEST = 1 << 28
"""Pixels beyond which a header is not believed."""


class CBFSource:
    """A CBF file, read whole when it is opened and decoded when its frame is asked for."""

    def __init__(self, path: str, shared: Shared) -> None:
        self.path = path
        self._shared = shared
        try:
            content = read_bytes(path)
            self._header, self._binary = _split(content)
        except DamagedFileError as error:
            raise RunError(f"{path}: {error}") from None
        header = read_dectris(self._header.decode("latin-1"))
        self.geometry, self._trusted = header.geometry, header.trusted

    def __len__(self) -> int:
        """Return 1."""
        return 1

    def read(self, index: int) -> Frame:
        """Return the frame, or raise FrameError."""
        try:
            counts = as_counts(self._decode(), self.path, index)
        except DamagedFileError as error:
            raise FrameError(self.path, index, str(error)) from None
        return Frame(counts, self._shared.masks.mask(counts, None, self._trusted), self.path, index)

    def close(self) -> None:
        """Let go of the file's content."""
        self._binary = b""

    def _decode(self) -> Counts:
        from fedbragg.images.codecs.byte_offset import decode_byte_offset

        kind = re.search(rb'X-Binary-Element-Type:\s*"([^"]*)"', self._header)
        dtype = ELEMENTS.get(kind.group(1).decode("latin-1") if kind else "")
        if dtype is None:
            raise DamagedFileError("its pixels are no integers of 8, 16 or 32 bits. Convert it to NeXus.")
        cols = header_number(self._header, rb"X-Binary-Size-Fastest-Dimension:\s*(\d+)")
        rows = header_number(self._header, rb"X-Binary-Size-Second-Dimension:\s*(\d+)")
        if not 0 < rows * cols < LARGEST:
            raise DamagedFileError(
                f"its header gives it {rows} x {cols} pixels. Copy it again from its source."
            )
        counts: Counts = self._shared.pool.take((rows, cols), dtype)
        if not decode_byte_offset(np.frombuffer(self._binary, np.uint8), counts.reshape(-1)):
            raise DamagedFileError("its data do not fill its pixels. Copy it again from its source.")
        return counts


def _split(content: bytes) -> tuple[bytes, bytes]:
    """Return header and binary section, whose size and MD5 are checked."""
    start = content.find(START)
    header: Any = content[: max(start, 0)]
    if not content.startswith(b"###CBF") or b"X-Binary-Size:" not in header:
        raise DamagedFileError("no CBF file with a binary section. Check that the extension is right.")
    if content.count(b"X-Binary-Size:") > 1:
        raise DamagedFileError("it holds several binary sections, as CSPAD files do. Convert it to NeXus.")
    if b"x-CBF_BYTE_OFFSET" not in header:
        raise DamagedFileError(
            "its compression is not byte-offset, as in Rayonix files. Convert it to NeXus."
        )
    size = header_number(header, rb"X-Binary-Size:\s*(\d+)")
    binary = content[start + len(START) : start + len(START) + size]
    if len(binary) < size:
        raise DamagedFileError(f"its data are cut short ({len(binary)} of {size} bytes). Copy it again.")
    digest = re.search(rb"Content-MD5:\s*(\S+)", header)
    if digest and base64.b64encode(hashlib.md5(binary, usedforsecurity=False).digest()) != digest.group(1):
        raise DamagedFileError("its checksum (Content-MD5) does not fit its data. Copy it again.")
    return header, binary
