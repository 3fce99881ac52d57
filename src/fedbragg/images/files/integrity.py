"""Tell whether a picture file is whole before it is decoded: fabio fills in or shifts what is missing."""

from __future__ import annotations

import bz2
import gzip
import re
import zlib
from collections.abc import Callable
from pathlib import Path


class DamagedFileError(Exception):
    """A file that is shorter than its header says, or whose checksum fails; or a variant that fabio misreads."""


def read_bytes(path: str) -> bytes:
    """Return what a file holds, unpacked where it is packed; both packings carry a checksum, which is checked."""
    try:
        content = Path(path).read_bytes()
        if path.lower().endswith(".gz"):
            return gzip.decompress(content)
        if path.lower().endswith(".bz2"):
            return bz2.decompress(content)
    except FileNotFoundError:
        raise DamagedFileError("no such file. Check the path, and that its disk is mounted.") from None
    except PermissionError:
        raise DamagedFileError(
            "no permission to read it. Ask its owner, or change its access rights."
        ) from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DamagedFileError(f"cannot be unpacked ({error}). Copy it again from its source.") from None
    return content


def check_intact(content: bytes, reader: str) -> None:
    """Raise DamagedFileError when the content of a file for fabio's ``reader`` is cut short or altered."""
    check = CHECKS.get(reader)
    if check is not None:
        check(content)


def _check_smv(content: bytes) -> None:
    """Check that the counts of an ADSC or d*TREK file fill the space that its header gives them."""
    header = header_number(content[:64], rb"HEADER_BYTES=\s*(\d+)")
    text = content[:header]
    width = 4 if re.search(rb"(Data_type|TYPE)=\s*(signed_long|unsigned_long|long)", text) else 2
    _at_least(
        content,
        header + width * header_number(text, rb"SIZE1=\s*(\d+)") * header_number(text, rb"SIZE2=\s*(\d+)"),
    )


def _check_edf(content: bytes) -> None:
    """Walk through the frames of an EDF file: each header says how many bytes follow it."""
    position = 0
    while content.find(b"{", position) >= 0:
        end = re.compile(rb"\}\r?\n").search(content, position)
        if not end:
            raise DamagedFileError("a header has no end. Copy it again.")
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
    pixels = header_number(text, rb"X dimension\s*=\s*(\d+)") * header_number(
        text, rb"Y dimension\s*=\s*(\d+)"
    )
    _at_least(content, position + 2 * pixels * (int(readouts.group(1)) if readouts else 1))


def _check_bruker(content: bytes) -> None:
    """Check that a Bruker file of format 86 has all its pixels and the table of those that overflow."""
    text = content[: 15 * 512]
    blocks, rows, cols, width, over = (
        header_number(text, key + rb"\s*:\s*(\d+)")
        for key in (b"HDRBLKS", b"NROWS", b"NCOLS", b"NPIXELB", b"NOVERFL")
    )
    _at_least(content, 512 * blocks + rows * cols * width + 16 * over)


def _check_mar345(content: bytes) -> None:
    """Check that the packed counts of a mar345 file go on to the last pixel."""
    from fedbragg.images.codecs.ccp4_pack import packed_size

    start = re.search(rb"CCP4 packed image, X: *(\d+), Y: *(\d+)\n", content)
    if not start:
        raise DamagedFileError("it lacks the line 'CCP4 packed image'. Check that the extension is right.")
    pixels = int(start.group(1)) * int(start.group(2))
    if packed_size(content[start.end() :], pixels) is None:
        raise DamagedFileError("its packed data are cut short. Copy it again.")


def header_number(text: bytes, pattern: bytes) -> int:
    """Return the whole number that ``pattern`` finds, or raise DamagedFileError."""
    found = re.search(pattern, text)
    if not found:
        name = re.split(rb"[\\:=]", pattern)[0].decode()
        raise DamagedFileError(
            f"its header lacks {name}. Check that the extension is right, or copy it again."
        )
    return int(found.group(1))


def _at_least(content: bytes, size: int) -> None:
    if len(content) < size:
        raise DamagedFileError(f"it is cut short ({len(content)} of {size} bytes). Copy it again.")


CHECKS: dict[str, Callable[[bytes], None]] = {
    "brukerimage": _check_bruker,
    "mar345image": _check_mar345,
    "dtrekimage": _check_smv,
    "edfimage": _check_edf,
    "kcdimage": _check_kcd,
}
