"""Forward the kept messages unchanged, each with its verdict as an additional part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fedbragg.live.message import parts_of
from fedbragg.live.push import Push
from fedbragg.live.source import LiveFrame, SeriesEnd, SeriesStart
from fedbragg.types import Verdict

KIND = "fedbragg-verdict"
"""The ``type`` of the last part: a reader that treats each part as a message ignores it as one of unknown type."""


class Forwarding(Protocol):
    """Passes kept images on."""

    def verdict(self, frame: LiveFrame, verdict: Verdict) -> None:
        """Pass a kept image on."""
        ...

    def message(self, event: SeriesStart | SeriesEnd) -> None:
        """Take the beginning or the end of a series."""
        ...

    def close(self) -> None:
        """Close once all sent messages have arrived."""
        ...


class Forward:
    """Acts as a detector towards its receivers, but sends kept images only."""

    def __init__(self, address: str, stopped: Callable[[], bool]) -> None:
        """Bind; raise ConfigError where the address cannot be used. A wait for a receiver ends when ``stopped``."""
        self._push, self._stopped = Push(address), stopped
        self.sent = self.lost = 0  # kept images

    def verdict(self, frame: LiveFrame, verdict: Verdict) -> None:
        """Push a kept image on with its verdict; wait until a receiver has room."""
        if not verdict.keep:
            return
        sent = self._push.send([*parts_of(frame.message), envelope(verdict)], self._stopped)
        self.sent += sent
        self.lost += not sent

    def message(self, event: SeriesStart | SeriesEnd) -> None:
        """Push a start or an end on."""
        self._push.send(parts_of(event.message), self._stopped)

    def close(self) -> None:
        """Close the socket once all sent messages have arrived."""
        self._push.close()


def envelope(verdict: Verdict) -> bytes:
    """Return a verdict as a CBOR map, the last part of a forwarded image."""
    import cbor2

    return cbor2.dumps(
        {
            "type": KIND,
            "series_unique_id": verdict.path,
            "image_id": verdict.index,
            "score": verdict.score,
            "reason": verdict.reason,
            "background": verdict.background,
            "spots": verdict.spot_count,
            "resolution": verdict.resolution,
        }
    )
