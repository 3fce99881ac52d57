"""A REP socket, which answers each request with one message."""

from __future__ import annotations

from collections.abc import Callable

from fedbragg.live.connection import address_error
from fedbragg.live.push import LINGER, POLL


class Reply:
    """A socket that answers requests; use it in one thread."""

    def __init__(self, address: str) -> None:
        """Bind; raise ConfigError for an address that is invalid or taken."""
        import zmq

        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.REP)
        self._socket.setsockopt(zmq.LINGER, LINGER)
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close(linger=0)
            raise address_error(address, error) from None

    def send(self, message: bytes, stopped: Callable[[], bool]) -> bool:
        """Answer the next request with a message; return False when ``stopped`` came first."""
        import zmq

        while not self._socket.poll(POLL, zmq.POLLIN):
            if stopped():
                return False
        self._socket.recv()
        self._socket.send(message, copy=False)
        return True

    def close(self, linger: int = LINGER) -> None:
        """Close, and wait up to ``linger`` milliseconds for the last messages to arrive."""
        self._socket.close(linger=linger)
        self._context.term()
