"""Messages of Stream2 -> events: start, image and end, recognised by content; no sockets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fedbragg.live.message import MessageError, shown, whole_number
from fedbragg.live.packed_image import PackedImage
from fedbragg.live.pixels import Decoding
from fedbragg.live.source import Event, Ignored, LiveFrame, SeriesEnd, SeriesStart
from fedbragg.live.stream2.arrays import packed_image
from fedbragg.live.stream2.start import read_start
from fedbragg.live.streamed_series import LatestSeries


class Stream2Reader:
    """Gives each message's event; remembers what the starts of the latest series said."""

    def __init__(self, channel: str | None, decoding: Decoding) -> None:
        """Score the channel of this name, None: the first; decode as ``decoding`` says."""
        self._channel, self._known = channel, LatestSeries(decoding)

    def read(self, fields: Mapping[Any, Any], message: bytes) -> Event:
        """Return the event of a message with these fields; raise MessageError where it cannot be used."""
        kind = fields.get("type")
        if kind == "image":
            return self._image(fields, message)
        if kind == "start":
            return self._start(fields, message)
        if kind == "end":
            return SeriesEnd(_series_name(fields), message)
        if isinstance(kind, str):
            return Ignored(message)  # such as Jungfraujoch's own messages
        raise MessageError("a message without a type: this is not Stream2. Check the port and the sender.")

    def _start(self, fields: Mapping[Any, Any], message: bytes) -> SeriesStart:
        name, start = _series_name(fields), read_start(fields)
        self._known.begin(name, start)
        return SeriesStart(name, message, start.announced, start.notes, unique=_unique_id(fields) is not None)

    def _image(self, fields: Mapping[Any, Any], message: bytes) -> LiveFrame:
        name, number = _series_name(fields), whole_number(fields.get("image_id"))
        if number is None:
            raise MessageError(f"an image of {name} without a number (image_id).")
        series = self._known.of(name)
        header = series.start.header
        channel = self._channel or next(iter(series.start.channels), None)
        find = partial(_found, channel, fields.get("data"))
        return LiveFrame(
            name,
            number,
            message,
            partial(series.frame, number, find),
            partial(series.packed, number, find),
            header.geometry,
            header.trusted.high,
        )


def _found(channel: str | None, data: object) -> tuple[str, PackedImage]:
    """Return the name of the channel to be scored, None is the first of the message, and its image."""
    if not isinstance(data, Mapping) or not data:
        raise MessageError("the image message holds no data.")
    name = next(iter(data)) if channel is None else channel
    if name not in data:
        names = ", ".join(shown(each) for each in data)
        raise MessageError(f"it has no threshold {shown(name)}. Choose one of {names} by --threshold.")
    return name, packed_image(data[name])


def _series_name(fields: Mapping[Any, Any]) -> str:
    """Return the series' unique id, or a name made of its number where there is none."""
    unique, number = _unique_id(fields), whole_number(fields.get("series_id"))
    if unique is not None:
        return shown(unique)
    if number is None:
        raise MessageError("a message that names no series (series_unique_id).")
    return f"series-{number}"


def _unique_id(fields: Mapping[Any, Any]) -> str | None:
    unique = fields.get("series_unique_id")
    return unique if isinstance(unique, str) and unique else None
