"""The images of an EPICS channel as a live source: for viewing, and for small detectors."""

from __future__ import annotations

import threading
from functools import partial
from queue import Empty, Full, Queue
from typing import Any

from fedbragg.live.arrival_numbers import ArrivalNumbers
from fedbragg.live.packed_image import PackedImage
from fedbragg.live.pixels import Decoding
from fedbragg.live.pvaccess.ntndarray import packed_image
from fedbragg.live.source import Event, Ignored, LiveFrame, Notice
from fedbragg.live.streamed_series import LatestSeries

WAITING = 2
"""Images that wait in our own queue; the subscription holds as many again, then the server drops images."""
REQUEST = "record[queueSize=4]field()"
SCHEME = "pva://"


class PVAccessSource:
    """The frames of ``pva://CHANNEL``; see the protocol ``Source``.

    PVAccess never lets a sender wait: a client that is too slow misses images. Their ``uniqueId`` shows how many, and
    the frames' numbers skip as many.
    """

    def __init__(self, address: str, decoding: Decoding) -> None:
        """Subscribe, even before the channel exists; decode as ``decoding`` says."""
        from p4p.client.thread import Context

        self.name, channel = address, address.removeprefix(SCHEME)
        self._series = LatestSeries(decoding).of(channel)
        self._numbers = ArrivalNumbers()
        self._arrived: Queue[Any] = Queue(WAITING)
        self._closed = threading.Event()
        self._away = False
        self._context = Context("pva", nt=False)
        self._subscription = self._context.monitor(
            channel, self._arrive, request=REQUEST, notify_disconnect=True
        )

    def receive(self, timeout: float) -> Event | None:
        """Return the next event, or None when none comes within ``timeout`` seconds."""
        try:
            value = self._arrived.get(timeout=timeout)
        except Empty:
            return None
        if isinstance(value, Exception):
            return self._without(value)
        self._away = False
        if value.value is None:
            return Ignored(b"")  # a channel's value before its first image
        return self._frame(value)

    def close(self) -> None:
        """End the subscription."""
        self._closed.set()
        self._subscription.close()
        self._context.close()

    def _arrive(self, value: Any) -> None:
        """Take an update in p4p's thread; wait while there is no room, so that updates pile up in the server."""
        while not self._closed.is_set():
            try:
                self._arrived.put(value, timeout=0.1)
            except Full:
                continue
            return

    def _without(self, problem: Exception) -> Event | None:
        """Report once that the channel does not exist."""
        if self._away:
            return None
        self._away = True
        return Notice(f"{self.name}: nobody serves this channel now; waiting")

    def _frame(self, value: Any) -> LiveFrame:
        number = self._numbers.number(int(value.uniqueId))
        find = partial(_found, value)
        return LiveFrame(
            self._series.name,
            number,
            b"",
            partial(self._series.frame, number, find),
            partial(self._series.packed, number, find),
            counted=True,
        )


def _found(value: Any) -> tuple[str, PackedImage]:
    return "", packed_image(value)
