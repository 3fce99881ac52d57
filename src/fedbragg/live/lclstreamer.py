"""LCLStreamer's messages, which it calls Simplon: built like Stream2, but nearly every field differs.

A byte ``c`` or ``m`` may precede the CBOR map. The start gives the images' type and shape as text. The packed
bytes are bitshuffle-LZ4's blocks without a header. Each of the sender's processes counts its own messages, from its
rank times 10,000 on. The end is named ``stop`` or ``end``. (slac-lcls/lclstreamer, serializers of 2025 and 2026)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from fedbragg.images.counts import panels_of
from fedbragg.images.header import Header
from fedbragg.live.arrival_numbers import ArrivalNumbers
from fedbragg.live.message import MessageError, shown, whole_number
from fedbragg.live.packed_image import BITSHUFFLE_LZ4, PackedImage, checked, with_bitshuffle_header
from fedbragg.live.pixels import Decoding
from fedbragg.live.source import Event, Ignored, LiveFrame, SeriesEnd, SeriesStart
from fedbragg.live.streamed_series import LatestSeries, Start
from fedbragg.types import Geometry

PREFIXES = (b"c", b"m")
TYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32")
ALGORITHM = "bitshuffle-lz4"
MESSAGES_A_RANK = 10_000
CHANNEL = ""


def is_lclstreamer(fields: Mapping[Any, Any]) -> bool:
    """Return whether a message is LCLStreamer's: it names a run where Stream2 names a series."""
    return "run_id" in fields and "series_id" not in fields and "series_unique_id" not in fields


class LCLStreamerReader:
    """Gives each message's event; remembers what the latest starts said."""

    def __init__(self, decoding: Decoding) -> None:
        """Decode as ``decoding`` says."""
        self._known = LatestSeries(decoding)
        self._formats: dict[str, tuple[object, object]] = {}  # type and shape of each series
        self._numbers: dict[str, ArrivalNumbers] = {}

    def read(self, fields: Mapping[Any, Any], message: bytes) -> Event:
        """Return the event of a message; raise MessageError where it cannot be used."""
        run, kind = whole_number(fields.get("run_id")), fields.get("type")
        if run is None:
            raise MessageError("a message of LCLStreamer without a run's number (run_id).")
        name = f"run-{run}"
        if kind == "start":
            return self._start(name, fields, message)
        if kind == "image":
            return self._image(name, fields, message)
        return SeriesEnd(name, message) if kind in ("end", "stop") else Ignored(message)

    def _start(self, name: str, fields: Mapping[Any, Any], message: bytes) -> SeriesStart:
        detector = fields.get("detector")
        described = detector.get("name") if isinstance(detector, Mapping) else None
        geometry = Geometry(detector=shown(described) if isinstance(described, str) else None)
        self._formats = {name: (fields.get("image_dtype"), fields.get("shape"))}
        self._numbers = {}
        algorithm = fields.get("algorithm", ALGORITHM)
        notes = () if algorithm == ALGORITHM else (f"its images are packed by {shown(algorithm)}.",)
        try:
            panels = panels_of(_lengths(fields.get("shape")))
        except MessageError:
            panels = ()  # said of each image
        self._known.begin(name, Start(header=Header(geometry), notes=notes, panels=panels))
        return SeriesStart(name, message, None, notes, unique=False)

    def _image(self, name: str, fields: Mapping[Any, Any], message: bytes) -> LiveFrame:
        count = whole_number(fields.get("message_id"))
        if count is None:
            raise MessageError(f"an image of {name} without a number (message_id).")
        numbers = self._numbers.setdefault(name, ArrivalNumbers())
        number = numbers.number(count, process=count // MESSAGES_A_RANK)
        series, find = self._known.of(name), partial(_found, fields, self._formats.get(name, (None, None)))
        return LiveFrame(
            name,
            number,
            message,
            partial(series.frame, number, find),
            partial(series.packed, number, find),
            series.start.header.geometry,
            counted=True,
        )


def _found(fields: Mapping[Any, Any], stated: tuple[object, object]) -> tuple[str, PackedImage]:
    """Return the image of a message."""
    kind, shape = fields.get("image_dtype", stated[0]), fields.get("shape", stated[1])
    if shape is None:
        raise MessageError(
            "its rows and columns stand in the start message, which did not come. Start the watch before the sender."
        )
    if kind not in TYPES:
        raise MessageError(f"its numbers have the unknown type {shown(kind)}.")
    *outer, columns = _lengths(shape)
    rows, dtype, data = int(np.prod(outer)), np.dtype(kind), fields.get("compressed_data")
    if not isinstance(data, bytes):
        raise MessageError("its numbers are not bytes.")
    size = rows * columns * dtype.itemsize
    framed = with_bitshuffle_header(data, size, dtype.itemsize)
    return CHANNEL, checked(PackedImage((rows, columns), dtype, BITSHUFFLE_LZ4, dtype.itemsize, framed))


def _lengths(shape: object) -> tuple[int, ...]:
    """Return the numbers of a shape such as 8x512x1024, whose last two are rows and columns."""
    lengths = shape.split("x") if isinstance(shape, str) else []
    if len(lengths) not in (2, 3) or not all(
        length.isascii() and length.isdigit() and 0 < len(length) < 6 and int(length) for length in lengths
    ):
        raise MessageError("its shape is not two or three numbers above 0.")
    return tuple(map(int, lengths))
