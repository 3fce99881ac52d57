"""A live source in memory, for tests of the code that handles its events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from fedbragg.live.packed_image import NO_COMPRESSION, PackedImage
from fedbragg.live.source import Event, LiveFrame, SeriesEnd, SeriesStart
from fedbragg.types import Frame, Geometry


class FakeSource:
    """A source that gives its events one by one, and then none; see the protocol ``fedbragg.live.source.Source``."""

    def __init__(self, events: Iterable[Event], name: str = "fake") -> None:
        """Give ``events`` in order; an iterable that waits acts as a slow sender."""
        self.name = name
        self.sent = 0  # events
        self.closed = False
        self._events = iter(events)

    def receive(self, timeout: float) -> Event | None:
        """Return the next event; after the last wait and return None."""
        event = next(self._events, None)
        if event is None:
            time.sleep(timeout)
        else:
            self.sent += 1
        return event

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def fake_series(
    name: str,
    numbers: Iterable[int],
    make: Callable[[int], Frame],
    geometry: Geometry | None = None,
    *,
    counted: bool = False,
) -> list[Event]:
    """Return a start that announces all of them, a frame of each number, made when it is read, and an end.

    With ``counted`` the sender gives no numbers, and these count arrivals.
    """
    listed, known = list(numbers), geometry or Geometry()
    frames = [
        LiveFrame(
            name,
            number,
            b"image",
            partial(make, number),
            partial(_packed, make, number),
            known,
            counted=counted,
        )
        for number in listed
    ]
    return [SeriesStart(name, b"start", max(listed, default=-1) + 1), *frames, SeriesEnd(name, b"end")]


def _packed(make: Callable[[int], Frame], number: int) -> PackedImage:
    """Return a made frame as if the detector had not packed it."""
    counts = make(number).counts
    return PackedImage((counts.shape[0], counts.shape[1]), counts.dtype, NO_COMPRESSION, 0, counts.tobytes())
