"""The arrays in a message: tag 40 around a typed array (RFC 8746), with DECTRIS' compression inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedbragg.live.message import MessageError, shown
from fedbragg.live.packed_image import LARGEST, NO_COMPRESSION, PackedImage, checked

MULTI_DIMENSIONAL, COMPRESSED = 40, 56500
TYPED = {
    **dict(
        zip(
            (64, 65, 66, 67, 68, 69, 70, 71),
            ("u1", ">u2", ">u4", ">u8", "u1", "<u2", "<u4", "<u8"),
            strict=True,
        )
    ),
    **dict(zip((72, 73, 74, 75, 77, 78, 79), ("i1", ">i2", ">i4", ">i8", "<i2", "<i4", "<i8"), strict=True)),
    **dict(zip((80, 81, 82, 84, 85, 86), (">f2", ">f4", ">f8", "<f2", "<f4", "<f8"), strict=True)),
}
"""The dtype of each tag of a typed array."""


def packed_image(value: object) -> PackedImage:
    """Read an array's header; raise MessageError for one that is no image or has an impossible size."""
    tag, content = tagged(value)
    if tag != MULTI_DIMENSIONAL or not _is_sequence(content, 2):
        raise MessageError("its data are not an array of rows and columns (tag 40).")
    (shape, typed) = content
    kind, values = tagged(typed)
    if kind not in TYPED:
        raise MessageError(f"its numbers have the unknown type of tag {kind}.")
    return checked(PackedImage(_rows_and_columns(shape), np.dtype(TYPED[kind]), *_compressed(values)))


def tagged(value: object) -> tuple[int, Any]:
    """Return a tag's number and content; -1 and the value where it has no tag."""
    import cbor2

    return (value.tag, value.value) if isinstance(value, cbor2.CBORTag) else (-1, value)


def _compressed(values: object) -> tuple[str, int, bytes]:
    """Return the compression, the size of its elements, and the bytes."""
    tag, content = tagged(values)
    if tag == -1 and isinstance(content, bytes):
        return NO_COMPRESSION, 0, content
    if tag != COMPRESSED or not _is_sequence(content, 3):
        raise MessageError("its numbers are not bytes.")
    name, element, data = content
    if not (isinstance(name, str) and type(element) is int and isinstance(data, bytes)):
        raise MessageError("its compression (tag 56500) is not described by a name, a size and bytes.")
    return shown(name), element, data


def _rows_and_columns(shape: Any) -> tuple[int, int]:
    if not _is_sequence(shape, 2) or not all(
        type(length) is int and 0 < length <= LARGEST for length in shape
    ):
        raise MessageError("its shape is not two numbers above 0.")
    return shape[0], shape[1]


def _is_sequence(value: Any, length: int) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) == length
