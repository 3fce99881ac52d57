"""The ZeroMQ socket that pulls a stream's messages, and the state of its connection."""

from __future__ import annotations

from typing import Any

from fedbragg.errors import ConfigError
from fedbragg.extras import require

HIGH_WATER = 2
"""Messages that ZeroMQ buffers for us. A killed process loses its buffer without a report, so this is small."""
RECEIVE_BUFFER = 4 << 20
"""Bytes of the kernel's receive buffer; by default it may hold 32 MB, which a killed process loses as well."""
LARGEST_MESSAGE = 1 << 30
"""Bytes; ZeroMQ drops a sender that announces more."""
FOREIGN = "what answers there does not speak ZeroMQ. Check the port"


class Pull:
    """A PULL socket; its sender may start later and may go away."""

    def __init__(self, address: str) -> None:
        """Connect, or bind where the host is ``*``; raise ConfigError for an invalid address."""
        import zmq

        self.address = address
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PULL)
        self._socket.setsockopt(zmq.RCVHWM, HIGH_WATER)
        self._socket.setsockopt(zmq.RCVBUF, RECEIVE_BUFFER)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)  # milliseconds
        self._socket.setsockopt(zmq.LINGER, 0)
        self._monitor = self._socket.get_monitor_socket()
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        self._state = _State(address)
        try:
            (self._socket.bind if "//*:" in address else self._socket.connect)(address)
        except zmq.ZMQError as error:
            self.close()
            raise address_error(address, error) from None

    def receive(self, timeout: float) -> list[bytes] | str | None:
        """Return a message's parts, or a line about the connection, or None after ``timeout`` seconds."""
        ready = dict(self._poller.poll(int(1000 * timeout)))
        if self._monitor in ready:
            line = self._state.after(self._next_change())
            if line:
                return line
        if self._socket in ready:
            return list(self._socket.recv_multipart())
        return None

    def close(self) -> None:
        """Close the socket; messages that it still holds are lost."""
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._context.destroy(linger=0)

    def _next_change(self) -> int:
        from zmq.utils.monitor import recv_monitor_message

        return int(recv_monitor_message(self._monitor)["event"])


class _State:
    """Turns a socket's state changes into messages, without repeating one that still holds."""

    def __init__(self, address: str) -> None:
        self._address, self._said, self._connected = address, "", False

    def after(self, change: int) -> str:
        """Return the line to show after a change; empty for none."""
        import zmq

        if change == zmq.Event.HANDSHAKE_SUCCEEDED:
            line, self._said, self._connected = self._said and "connected", "", True
        elif change == zmq.Event.CONNECT_RETRIED and not self._said:
            line = self._said = "nothing answers there yet; waiting"
        elif change == zmq.Event.DISCONNECTED and self._connected:
            line, self._connected = "the sender is gone; waiting for it to come back", False
            self._said = line
        elif change in (zmq.Event.DISCONNECTED, *_disagreements()):
            line = "" if self._said == FOREIGN else FOREIGN
            self._said = FOREIGN
        else:
            line = ""
        return line and f"{self._address}: {line}"


def _disagreements() -> tuple[int, ...]:
    """Return the ZeroMQ events that show that the other side speaks another protocol."""
    import zmq

    events = zmq.Event
    return events.HANDSHAKE_FAILED_NO_DETAIL, events.HANDSHAKE_FAILED_PROTOCOL, events.HANDSHAKE_FAILED_AUTH


def require_live(purpose: str) -> None:
    """Raise MissingExtraError, before any work, where the packages for live streams are missing."""
    require("live", purpose)


def address_error(address: str, error: Any) -> ConfigError:
    """Return the error for an address that ZeroMQ refuses."""
    return ConfigError(
        f"{address}: cannot be used ({str(error).split(' (addr')[0]}). Give an address such as tcp://host:31001."
    )
