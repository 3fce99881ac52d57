"""NTNDArray values <-> packed images (EPICS normative types; areaDetector's codecs)."""

from __future__ import annotations

from typing import Any

import numpy as np

from fedbragg.live.message import MessageError, shown
from fedbragg.live.packed_image import (
    BITSHUFFLE_LZ4,
    LZ4,
    NO_COMPRESSION,
    PackedImage,
    checked,
    with_bitshuffle_header,
    with_lz4_header,
)

TYPES = {1: "i1", 2: "<i2", 3: "<i4", 4: "<i8", 5: "u1", 6: "<u2", 7: "<u4", 8: "<u8", 9: "<f4", 10: "<f8"}
"""The dtype of each scalar type of pvData, which a codec's parameter gives for the pixels."""
MEMBERS = {
    "i1": "byteValue",
    "i2": "shortValue",
    "i4": "intValue",
    "i8": "longValue",
    "u1": "ubyteValue",
    "u2": "ushortValue",
    "u4": "uintValue",
    "u8": "ulongValue",
    "f4": "floatValue",
    "f8": "doubleValue",
}
"""The member of NTNDArray's union for each dtype."""
HEADERS = {BITSHUFFLE_LZ4: 12, LZ4: 16}
"""Bytes that HDF5 puts before the packed ones."""


def packed_image(value: Any) -> PackedImage:
    """Return the image of an NTNDArray; raise MessageError for an unsupported one."""
    array, codec = value.value, value.codec.name
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise MessageError("its value is not an array of numbers.")
    shape = _rows_and_columns([int(each.size) for each in value.dimension])
    if codec in ("", None):
        return checked(PackedImage(shape, array.dtype, NO_COMPRESSION, 0, array.tobytes()))
    return checked(_unpackable(shape, shown(codec), value.codec.parameters, array.tobytes()))


def _unpackable(shape: tuple[int, int], codec: str, parameter: object, data: bytes) -> PackedImage:
    """Return an image with the HDF5 header, which areaDetector leaves out."""
    if codec not in (LZ4, BITSHUFFLE_LZ4):
        lossy = ", which changes counts" if codec == "jpeg" else ""
        raise MessageError(f"its codec is {codec}{lossy}. Set the codec to none, lz4 or bslz4.")
    if parameter not in TYPES:
        raise MessageError("its codec does not name the type of the pixels.")
    dtype = np.dtype(TYPES[int(str(parameter))])
    size = shape[0] * shape[1] * dtype.itemsize
    if codec == LZ4:
        return PackedImage(shape, dtype, LZ4, 0, with_lz4_header(data, size))
    return PackedImage(
        shape, dtype, BITSHUFFLE_LZ4, dtype.itemsize, with_bitshuffle_header(data, size, dtype.itemsize)
    )


def _rows_and_columns(sizes: list[int]) -> tuple[int, int]:
    """Return rows and columns of dimensions that name the columns first."""
    if len(sizes) != 2 or not all(0 < size <= 1 << 20 for size in sizes):
        raise MessageError(f"it has {len(sizes)} dimensions; images of 2 are read here.")
    return sizes[1], sizes[0]


def fields_of(image: PackedImage, number: int) -> dict[str, Any]:
    """Return the fields of an NTNDArray that holds an image; packed bytes lose HDF5's header, as in areaDetector."""
    rows, columns = image.shape
    kind = image.dtype.str[1:]
    name, parameter, member = "", None, MEMBERS[kind]
    array: Any = np.frombuffer(image.data, image.dtype if image.compression == NO_COMPRESSION else np.uint8)
    if image.compression != NO_COMPRESSION:
        name, member = image.compression, "ubyteValue"
        parameter = next(code for code, dtype in TYPES.items() if np.dtype(dtype) == image.dtype)
        array = array[HEADERS[name] :]
    return {
        "value": (member, array),
        "codec": {"name": name, "parameters": parameter},
        "compressedSize": array.nbytes,
        "uncompressedSize": image.size,
        "uniqueId": number,
        "dimension": [
            {"size": size, "offset": 0, "fullSize": size, "binning": 1, "reverse": False}
            for size in (columns, rows)
        ],
    }
