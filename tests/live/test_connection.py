"""Real sockets: what a source says of a sender that is away, is gone, or speaks another language."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import zmq
from messages import Series

from fedbragg.errors import ConfigError
from fedbragg.live.message import parts_of
from fedbragg.live.push import Push
from fedbragg.live.source import Damaged, Event, LiveFrame, Notice, SeriesStart
from fedbragg.live.stream_reader import StreamReader
from fedbragg.live.stream_source import StreamSource


@contextmanager
def opened(address: str) -> Iterator[StreamSource]:
    source = StreamSource(address, StreamReader())
    try:
        yield source
    finally:
        source.close()


def events(source: StreamSource, number: int, seconds: float = 20.0) -> list[Event]:
    """Return so many events, or those that come in the time."""
    found: list[Event] = []
    deadline = time.monotonic() + seconds
    while len(found) < number and time.monotonic() < deadline:
        event = source.receive(0.05)
        if event is not None:
            found.append(event)
    return found


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def test_a_sender_that_comes_late_and_goes_is_waited_for() -> None:
    address, series = free_address(), Series("s", 1)
    with opened(address) as source:
        assert events(source, 1) == [Notice(f"{address}: nothing answers there yet; waiting")]
        push = Push(address)
        push.send([series.image(0)], lambda: False)
        first, second = events(source, 2)  # ZeroMQ tells of the connection through another socket
        push.close()
        gone = events(source, 1) + events(source, 1, seconds=0.5)  # told once only
    assert Notice(f"{address}: connected") in (first, second)
    assert isinstance(first, LiveFrame) or isinstance(second, LiveFrame)
    assert gone == [Notice(f"{address}: the sender is gone; waiting for it to come back")]


def test_a_message_of_several_parts_is_one_line() -> None:
    address = free_address()
    with opened(address) as source:
        push = Push(address)
        push.send([b'{"htype":"dimage-1.0"}', b"{}", b"blob", b"{}"], lambda: False)
        damaged = [event for event in events(source, 3, seconds=3.0) if isinstance(event, Damaged)]
        push.close()
    assert [event.reason for event in damaged] == ["a message of Stream v1 that names no series."]
    assert parts_of(damaged[0].message) == [b'{"htype":"dimage-1.0"}', b"{}", b"blob", b"{}"]


@pytest.mark.parametrize(
    "hello", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", bytes(100), b""]
)
def test_what_is_no_zeromq_is_one_line(hello: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(1)
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"

        def answer() -> None:
            with suppress(OSError):  # ZeroMQ may be gone first, or not come again
                for _ in range(2):
                    with server.accept()[0] as client:
                        client.sendall(hello)

        thread = threading.Thread(target=answer)
        thread.start()
        with opened(address) as source:
            found = events(source, 1) + events(source, 1, seconds=0.5)  # told once only
            thread.join()
    assert found == [Notice(f"{address}: what answers there does not speak ZeroMQ. Check the port")]


@pytest.mark.parametrize("address", ["tcp://", "tcp://host", "tcp://host:port", "nonsense"])
def test_an_address_that_is_none_is_refused_in_one_line(address: str) -> None:
    with pytest.raises(ConfigError, match=f"^{address}: cannot be used") as caught:
        StreamSource(address, StreamReader())
    assert "\n" not in str(caught.value)


def test_an_address_that_is_taken_is_refused_in_one_line() -> None:
    address = free_address()
    push = Push(address)
    with pytest.raises(ConfigError, match="Address already in use"):
        Push(address)
    push.close(linger=0)


def test_a_push_that_nobody_takes_ends_when_it_is_stopped() -> None:
    push, stopped = Push(free_address()), threading.Event()
    threading.Timer(0.2, stopped.set).start()
    assert not push.send([b"message"], stopped.is_set)
    push.close(linger=0)


def test_few_messages_wait_in_the_sockets() -> None:
    """More would be lost with a killed process: a hundred, where ZeroMQ's own limits stay."""
    address, full = free_address(), threading.Event()
    with opened(address) as source:
        push, sent = Push(address), 0
        threading.Timer(0.7, full.set).start()
        while push.send([bytes(2_000_000)], full.is_set):
            sent += 1
        push.close(linger=0)
        assert source._pull._socket.getsockopt(zmq.RCVHWM) == 2
    assert 2 <= sent < 20


def test_a_sender_that_connects_is_waited_for() -> None:
    address = free_address()
    with opened(address.replace("127.0.0.1", "*")) as source:
        push = Push(address, bind=False)
        push.send([Series("s", 1).start], lambda: False)
        found = events(source, 1, seconds=5.0)
        push.close()
    assert [type(event) for event in found] == [SeriesStart]
