"""Stream v1 of DECTRIS' detectors: messages of several parts, JSON and bytes in turn.

(EIGER SIMPLON API 1.8, section Stream; shapes are columns first there.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from fedbragg.images.header import Header, pair, stated_centre
from fedbragg.images.mask import Mask, TrustedRange
from fedbragg.live.message import MessageError, joined, positive, shown, whole_number
from fedbragg.live.packed_image import (
    BITSHUFFLE_LZ4,
    LARGEST,
    LZ4,
    NO_COMPRESSION,
    PackedImage,
    checked,
    with_lz4_header,
)
from fedbragg.live.pixels import Decoding
from fedbragg.live.source import Event, Ignored, LiveFrame, SeriesEnd, SeriesStart
from fedbragg.live.streamed_series import LatestSeries, Start
from fedbragg.types import Geometry

HEADER, IMAGE, END, MASK = "dheader-1.0", "dimage-1.0", "dseries_end-1.0", "dpixelmask-1.0"
TYPES = {"uint8": "u1", "uint16": "u2", "uint32": "u4", "int16": "i2", "int32": "i4", "float32": "f4"}
ENCODING = re.compile(r"(bs(8|16|32)-?)?(lz4)?([<>])")
CHANNEL = ""
MOST_JSON = 1 << 20
"""Bytes of a part that is read as JSON."""


def is_stream1(parts: Sequence[bytes]) -> bool:
    """Return whether a message begins as Stream v1's do."""
    return parts[0][:1] == b"{"


class Stream1Reader:
    """Gives each message's event; remembers what the latest headers said."""

    def __init__(self, decoding: Decoding) -> None:
        """Decode as ``decoding`` says."""
        self._known = LatestSeries(decoding)

    def read(self, parts: Sequence[bytes]) -> Event:
        """Return the event of a message; raise MessageError where it cannot be used."""
        first, message = _json(parts[0]), joined(parts)
        kind, series = first.get("htype"), whole_number(first.get("series"))
        if kind not in (HEADER, IMAGE, END):
            return Ignored(message)
        if series is None:
            raise MessageError("a message of Stream v1 that names no series.")
        name = f"series-{series}"
        if kind == IMAGE:
            return self._image(name, first, parts)
        return SeriesEnd(name, message) if kind == END else self._start(name, parts)

    def _start(self, name: str, parts: Sequence[bytes]) -> SeriesStart:
        config = _json(parts[1]) if len(parts) > 1 and parts[1][:1] == b"{" else {}
        mask, notes = _mask(parts[1:])
        images = (whole_number(config.get("nimages")) or 0) * (whole_number(config.get("ntrigger", 1)) or 0)
        high = positive(config.get("countrate_correction_count_cutoff"))
        header = Header(_geometry(config), TrustedRange(high=high))
        start = Start((), header, {} if mask is None else {CHANNEL: mask}, images or None, notes)
        self._known.begin(name, start)
        return SeriesStart(name, joined(parts), start.announced, notes, unique=False)

    def _image(self, name: str, first: Mapping[str, Any], parts: Sequence[bytes]) -> LiveFrame:
        number = whole_number(first.get("frame"))
        if number is None:
            raise MessageError(f"an image of {name} without a number (frame).")
        series, find = self._known.of(name), partial(_found, parts)
        return LiveFrame(
            name,
            number,
            joined(parts),
            partial(series.frame, number, find),
            partial(series.packed, number, find),
            series.start.header.geometry,
            series.start.header.trusted.high,
        )


def _json(part: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(part) if len(part) <= MOST_JSON else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise MessageError(
            "a message that begins like Stream v1, but is not JSON. Check the port and the sender."
        )
    return value


def _geometry(config: Mapping[str, Any]) -> Geometry:
    description = config.get("description")
    column, row = (positive(config.get(f"beam_center_{axis}")) for axis in "xy")
    return Geometry(
        detector=shown(description) if isinstance(description, str) else None,
        wavelength=positive(config.get("wavelength")),
        distance=positive(config.get("detector_distance")),
        beam_centre=stated_centre(column, row),
        pixel_size=pair(*(positive(config.get(f"{axis}_pixel_size")) for axis in "xy")),
    )


def _mask(parts: Sequence[bytes]) -> tuple[Mask | None, tuple[str, ...]]:
    """Return the mask among the parts of a header, and a note where it cannot be used."""
    for about, data in pairwise(parts):
        if about[:1] == b"{" and MASK.encode() in about[:MOST_JSON]:
            try:
                image = _image_of({**_json(about), "encoding": "<"}, data)
            except MessageError as error:
                return None, (f"the pixel mask is not used: {error}",)
            return np.frombuffer(image.data, image.dtype).reshape(image.shape) != 0, ()
    return None, ()


def _found(parts: Sequence[bytes]) -> tuple[str, PackedImage]:
    """Return the image of a message: its description is the second part, its bytes are the third."""
    if len(parts) < 3:
        raise MessageError(f"the image message has {len(parts)} of its parts only.")
    return CHANNEL, _image_of(_json(parts[1]), parts[2])


def _image_of(about: Mapping[str, Any], data: bytes) -> PackedImage:
    shape, kind, encoding = about.get("shape"), about.get("type"), about.get("encoding")
    if not isinstance(shape, list) or not all(whole_number(length) for length in shape) or len(shape) != 2:
        raise MessageError("its shape is not two numbers above 0.")
    known = ENCODING.fullmatch(encoding) if isinstance(encoding, str) else None
    if kind not in TYPES or known is None or (known[1] and not known[3]):
        raise MessageError(
            f"its numbers are {shown(kind)} packed as {shown(encoding)}, which is not read here."
        )
    dtype = np.dtype(known[4] + TYPES[kind])
    size = shape[0] * shape[1] * dtype.itemsize
    if size > LARGEST:
        raise MessageError(f"{shape[1]} x {shape[0]} {dtype} are more than any detector sends.")
    compression = BITSHUFFLE_LZ4 if known[1] else LZ4 if known[3] else NO_COMPRESSION
    content = with_lz4_header(data, size) if compression == LZ4 else data
    element = int(known[2]) // 8 if known[2] else 0
    return checked(PackedImage((shape[1], shape[0]), dtype, compression, element, content))
