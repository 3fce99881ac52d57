"""A REP socket, which gives one message to whoever asks for one."""

from __future__ import annotations

from collections.abc import Callable

from fedbragg.live.connection import address_error
from fedbragg.live.push import LINGER, POLL


class Reply:
    """A socket to answer by; use it in one thread."""

    def __init__(self, address: str) -> None:
        """Bind; raise ConfigError for an address that is none or is taken."""
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
        """Send a message to the next one who asks; return False when ``stopped`` came first."""
        import zmq

        while not self._socket.poll(POLL, zmq.POLLIN):
            if stopped():
                return False
        self._socket.recv()
        self._socket.send(message, copy=False)
        return True

    def close(self, linger: int = LINGER) -> None:
        """Close, and wait up to ``linger`` milliseconds for what is underway."""
        self._socket.close(linger=linger)
        self._context.term()
