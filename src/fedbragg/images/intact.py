"""Tell whether a picture file is whole before it is decoded: fabio fills in or shifts what is missing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable


class DamagedFileError(Exception):
    """A file that is shorter than its header says, or whose checksum fails; or a variant that fabio misreads."""


CBF_START = b"\x0c\x1a\x04\xd5"
"""Four bytes before the binary section, as the CBF definition has them."""


def check_intact(content: bytes, reader: str) -> None:
    """Raise DamagedFileError when the content of a file for fabio's ``reader`` is cut short or altered."""
    check = CHECKS.get(reader)
    if check is not None:
        check(content)


def _check_cbf(content: bytes) -> None:
    """Check size and MD5 of the binary section; only byte-offset compression is readable."""
    start = content.find(CBF_START)
    header = content[: max(start, 0)]
    if start < 0 or b"X-Binary-Size" not in header:
        raise DamagedFileError("it has no binary section; a CBF in hexadecimal or text is not supported")
    if content.count(b"X-Binary-Size:") > 1:
        raise DamagedFileError("it holds several binary sections, as CSPAD files do. Convert it to NeXus")
    if b"x-CBF_BYTE_OFFSET" not in header:
        raise DamagedFileError("its compression is not byte-offset, as in Rayonix files. Convert it to NeXus")
    size = _field(header, rb"X-Binary-Size:\s*(\d+)")
    binary = content[start + 4 : start + 4 + size]
    if len(binary) < size:
        raise DamagedFileError(f"its data are cut short ({len(binary)} of {size} bytes)")
    digest = re.search(rb"Content-MD5:\s*(\S+)", header)
    if digest and base64.b64encode(hashlib.md5(binary, usedforsecurity=False).digest()) != digest.group(1):
        raise DamagedFileError("its checksum (Content-MD5) does not fit its data")


def _check_smv(content: bytes) -> None:
    """Check that the counts of an ADSC or d*TREK file fill the space that its header gives them."""
    header = _field(content[:64], rb"HEADER_BYTES=\s*(\d+)")
    text = content[:header]
    width = 4 if re.search(rb"(Data_type|TYPE)=\s*(signed_long|unsigned_long|long)", text) else 2
    _at_least(content, header + width * _field(text, rb"SIZE1=\s*(\d+)") * _field(text, rb"SIZE2=\s*(\d+)"))


def _check_edf(content: bytes) -> None:
    """Walk through the frames of an EDF file: each header says how many bytes follow it."""
    position = 0
    while content.find(b"{", position) >= 0:
        end = re.compile(rb"\}\r?\n").search(content, position)
        if not end:
            raise DamagedFileError("a header has no end")
        size = re.search(rb"\b(?:EDF_Binary)?Size\s*=\s*(\d+)", content[position : end.start()])
        if not size:
            return  # an old file that leaves it to the dimensions
        position = end.end() + int(size.group(1))
        _at_least(content, position)


def _check_kcd(content: bytes) -> None:
    """Check that the counts of a KappaCCD file, which lie at its end, do not begin within its header."""
    position = content.find(b"\n") + 1
    while (line := content[position : position + 100].split(b"\n")[0]).isascii() and b"=" in line:
        position += len(line) + 1
    text = content[:position]
    readouts = re.search(rb"Number of readouts\s*=\s*(\d+)", text)
    pixels = _field(text, rb"X dimension\s*=\s*(\d+)") * _field(text, rb"Y dimension\s*=\s*(\d+)")
    _at_least(content, position + 2 * pixels * (int(readouts.group(1)) if readouts else 1))


def _field(text: bytes, pattern: bytes) -> int:
    found = re.search(pattern, text)
    if not found:
        raise DamagedFileError(f"its header lacks {pattern.split(b'=')[0].split(b':')[0].decode()}")
    return int(found.group(1))


def _at_least(content: bytes, size: int) -> None:
    if len(content) < size:
        raise DamagedFileError(f"it is cut short ({len(content)} of {size} bytes)")


CHECKS: dict[str, Callable[[bytes], None]] = {
    "cbfimage": _check_cbf,
    "dtrekimage": _check_smv,
    "edfimage": _check_edf,
    "kcdimage": _check_kcd,
}
