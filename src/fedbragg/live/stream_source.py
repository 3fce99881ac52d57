"""A detector's stream over ZeroMQ: one PULL socket, connected to the sender."""

from __future__ import annotations

from fedbragg.live.connection import Pull
from fedbragg.live.source import Event, Notice
from fedbragg.live.stream_reader import StreamReader


class StreamSource:
    """The frames of a detector at ``tcp://host:31001``; see the protocol ``Source``."""

    def __init__(self, address: str, reader: StreamReader) -> None:
        """Connect, even before the detector is up; raise ConfigError for an invalid address."""
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
        return Notice(received) if isinstance(received, str) else self._reader.event(*received)

    def close(self) -> None:
        """Disconnect."""
        self._pull.close()
