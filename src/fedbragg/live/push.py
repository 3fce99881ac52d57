"""A PUSH socket that sends as a detector does, and waits while no receiver has room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fedbragg.live.connection import HIGH_WATER, address_error

POLL = 100
"""Milliseconds between a waiting sender's checks whether to stop."""
LINGER = 10_000
"""Milliseconds that a closing socket waits for its last messages to arrive."""


class Push:
    """A socket to send messages by; use it in one thread."""

    def __init__(self, address: str, *, bind: bool = True) -> None:
        """Bind, as a detector does, or connect; raise ConfigError for an address that is invalid or taken."""
        import zmq

        self.address = address
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUSH)
        self._socket.setsockopt(zmq.SNDHWM, HIGH_WATER)
        self._socket.setsockopt(zmq.LINGER, LINGER)
        try:
            (self._socket.bind if bind else self._socket.connect)(address)
        except zmq.ZMQError as error:
            self.close(linger=0)
            raise address_error(address, error) from None

    def send(self, parts: Sequence[bytes], stopped: Callable[[], bool]) -> bool:
        """Send a message as soon as a receiver has room; return False when ``stopped`` came first."""
        import zmq

        while not self._socket.poll(POLL, zmq.POLLOUT):
            if stopped():
                return False
        self._socket.send_multipart(parts, copy=False)
        return True

    def close(self, linger: int = LINGER) -> None:
        """Close, and wait up to ``linger`` milliseconds for the last messages to arrive."""
        self._socket.close(linger=linger)
        self._context.term()
