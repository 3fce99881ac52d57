"""Stream2 over ZeroMQ: one PULL socket, connected to the detector."""

from __future__ import annotations

from fedbragg.live.connection import Pull
from fedbragg.live.source import Damaged, Event, Notice
from fedbragg.live.stream2.reader import Stream2Reader

PARTS = "a message of {} parts: this is no Stream2, but maybe Stream v1. Set the detector's stream format to cbor."


class Stream2Source:
    """The frames of a detector at ``tcp://host:31001``; see the protocol ``Source``."""

    def __init__(self, address: str, reader: Stream2Reader) -> None:
        """Connect, also before the detector is there; raise ConfigError where the address is none."""
        self._pull, self._reader = Pull(address), reader

    @property
    def name(self) -> str:
        """Return the detector's address."""
        return self._pull.address

    def receive(self, timeout: float) -> Event | None:
        """Return the next event, or None when none comes within ``timeout`` seconds."""
        received = self._pull.receive(timeout)
        if received is None:
            return None
        if isinstance(received, str):
            return Notice(received)
        event = self._reader.event(received[0])
        if len(received) > 1 and isinstance(event, Damaged):
            return Damaged(PARTS.format(len(received)), b"".join(received))
        return event  # a second part is a verdict, which another watch added

    def close(self) -> None:
        """Disconnect."""
        self._pull.close()
