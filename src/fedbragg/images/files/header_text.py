"""Numbers in the text headers of image files, and the size that a header promises."""

from __future__ import annotations

import re
from typing import Any

from fedbragg.images.files.image_file import UnreadableFileError

NUMBER = r"([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)"


def leading_number(value: Any) -> float | None:
    """Return the number that a header's value begins with, or None."""
    found = re.match(rf"\s*{NUMBER}", str(value))
    return float(found.group(1)) if found else None


def whole_number(text: bytes, pattern: bytes) -> int:
    """Return the whole number that ``pattern`` finds in a header, or raise UnreadableFileError."""
    found = re.search(pattern, text)
    if not found:
        name = re.split(rb"[\\:=]", pattern)[0].decode()
        raise UnreadableFileError(
            f"its header lacks {name}. Check that the extension is right, or copy it again."
        )
    return int(found.group(1))


def check_size(content: bytes, size: int) -> None:
    """Raise UnreadableFileError for a file shorter than ``size`` bytes."""
    if len(content) < size:
        raise UnreadableFileError(f"it is cut short ({len(content)} of {size} bytes). Copy it again.")
