"""Messages of Stream2 -> events: start, image and end, told apart by content; no sockets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.live.source import Damaged, Event, Ignored, LiveFrame, SeriesEnd, SeriesStart
from fedbragg.live.stream2.cbor import MessageError, fields_of, shown
from fedbragg.live.stream2.series import StreamedSeries
from fedbragg.live.stream2.start import Start, read_start, whole_number

SERIES_KEPT = 4
"""Series whose start is remembered: a detector ends one before it starts the next."""


class Stream2Reader:
    """Gives each message's event; remembers what the starts of the latest series said."""

    def __init__(self, channel: str | None = None, spare: int = 4) -> None:
        """Score the channel of this name, None: the first; reuse the memory of ``spare`` decoded frames."""
        self._channel, self._pool = channel, BufferPool(spare)
        self._series: dict[str, StreamedSeries] = {}

    def event(self, message: bytes) -> Event:
        """Return what a message tells; never raises, whatever the bytes are."""
        try:
            return self._event(fields_of(message), message)
        except MessageError as error:
            return Damaged(str(error), message)

    def _event(self, fields: Mapping[Any, Any], message: bytes) -> Event:
        kind = fields.get("type")
        if kind == "image":
            return self._image(fields, message)
        if kind == "start":
            return self._start(fields, message)
        if kind == "end":
            return SeriesEnd(_series_name(fields), message)
        if isinstance(kind, str):
            return Ignored(message)  # such as Jungfraujoch's own messages
        raise MessageError("a message without a type: this is no Stream2. Check the port and the sender.")

    def _start(self, fields: Mapping[Any, Any], message: bytes) -> SeriesStart:
        name, start = _series_name(fields), read_start(fields)
        self._remember(StreamedSeries(name, start, self._channel, self._pool))
        return SeriesStart(name, message, start.announced, start.notes)

    def _image(self, fields: Mapping[Any, Any], message: bytes) -> LiveFrame:
        name, number = _series_name(fields), whole_number(fields.get("image_id"))
        if number is None:
            raise MessageError(f"an image of {name} without a number (image_id).")
        series = self._series.get(name)
        if series is None:  # its start went to another client, or before this one came
            series = self._remember(StreamedSeries(name, Start(), self._channel, self._pool))
        data, header = fields.get("data"), series.start.header
        return LiveFrame(
            name,
            number,
            message,
            partial(series.frame, number, data),
            partial(series.packed, number, data),
            header.geometry,
            header.trusted.high,
        )

    def _remember(self, series: StreamedSeries) -> StreamedSeries:
        self._series.pop(series.name, None)
        self._series[series.name] = series
        while len(self._series) > SERIES_KEPT:
            del self._series[next(iter(self._series))]
        return series


def _series_name(fields: Mapping[Any, Any]) -> str:
    """Return the series' unique id, or a name made of its number where there is none."""
    unique, number = fields.get("series_unique_id"), whole_number(fields.get("series_id"))
    if isinstance(unique, str) and unique:
        return shown(unique)
    if number is None:
        raise MessageError("a message that names no series (series_unique_id).")
    return f"series-{number}"
