"""Stream2 over ZeroMQ: one PULL socket, connected to the detector."""

from __future__ import annotations

from fedbragg.live.connection import Pull
from fedbragg.live.source import Damaged, Event, Notice
from fedbragg.live.stream2.reader import Stream2Reader


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
        if len(received) == 1:
            return self._reader.event(received[0])
        reason = (
            f"a message of {len(received)} parts: this is no Stream2, but maybe Stream v1. Set the detector's "
            "stream format to cbor."
        )
        return Damaged(reason, b"".join(received))

    def close(self) -> None:
        """Disconnect."""
        self._pull.close()
