"""Shared by the readers of all streams: the error for a bad message, and checks of the values that senders give."""

from __future__ import annotations

import math
from collections.abc import Sequence

MOST_IMAGES = 1 << 53
"""Largest number accepted for images; a larger one is an error of the sender."""
PARTS = "fedbragg-parts"
"""Marks a recorded message that came in several parts."""


class MessageError(Exception):
    """The problem of a message and the remedy, in one line."""


def shown(value: object) -> str:
    """Return a sender's value as it may be printed: short, on one line, without control characters for a terminal."""
    if not isinstance(value, str):
        return type(value).__name__  # the number may be too long to be printed
    return ascii(value[:80])[1:-1]


def whole_number(value: object) -> int | None:
    """Return a value as a number of images or of one image, or None if it is not one."""
    return value if type(value) is int and 0 <= value < MOST_IMAGES else None


def number(value: object) -> float | None:
    """Return a value as a finite number, or None if it is not one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def positive(value: object) -> float | None:
    """Return a value as a finite number above 0, or None if it is not one."""
    found = number(value)
    return found if found is not None and found > 0 else None


def joined(parts: Sequence[bytes]) -> bytes:
    """Return a message of several parts as one, so that a file can hold it; a single part is returned unchanged."""
    if len(parts) == 1:
        return parts[0]
    import cbor2

    return cbor2.dumps([PARTS, *parts])


def parts_of(message: bytes) -> list[bytes]:
    """Return the parts that `joined` has joined."""
    if PARTS.encode() not in message[:32]:
        return [message]
    import cbor2

    try:
        first, *parts = cbor2.loads(message)
    except (cbor2.CBORDecodeError, TypeError, ValueError):
        return [message]
    return parts if first == PARTS and all(isinstance(part, bytes) for part in parts) else [message]
