"""What CrystFEL is given: read here by msgpack, and looked up as libcrystfel/src/image-msgpack.c looks it up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import msgpack
import numpy as np
import pytest
import zmq
from messages import Series, counts_of
from test_connection import free_address

from fedbragg.errors import FrameError
from fedbragg.live.crystfel import ForwardToCrystfel, packed
from fedbragg.live.source import LiveFrame
from fedbragg.live.stream_reader import StreamReader
from fedbragg.types import Geometry, Spot, Verdict

SPOTS = (Spot(12.5, 30.25, 400.0, 20.0), Spot(7.0, 0.0, 90.0, 8.0))


def frames(number: int) -> list[LiveFrame]:
    reader = StreamReader()
    events = [reader.event(message) for message in Series("s", number).whole()]
    return [event for event in events if isinstance(event, LiveFrame)]


def lookup(values: dict[str, Any], name: str) -> Any:
    """Return the first value whose name begins the one that is wanted, as CrystFEL's strncmp does."""
    return next(value for key, value in values.items() if name.startswith(key))


def test_an_image_holds_what_crystfel_looks_for() -> None:
    frame = replace(frames(1)[0], geometry=Geometry(wavelength=1.0332, distance=0.15))
    found = msgpack.unpackb(packed(frame.read(), frame, Verdict("s", 0, 0.9, True, spots=SPOTS)))
    image = lookup(found, "detector_data")
    assert lookup(image, "type") == "<f4"
    rows, columns = lookup(image, "shape")
    pixels = np.frombuffer(lookup(image, "data"), "<f4").reshape(rows, columns)
    mask = frame.read().mask
    assert np.array_equal(np.isnan(pixels), mask)
    assert np.array_equal(pixels[~mask], counts_of(0)[~mask])
    peaks = lookup(found, "peak_list")
    assert lookup(peaks, "fs") == [12.5, 7.0]
    assert lookup(peaks, "ss") == [30.25, 0.0]
    assert lookup(peaks, "intensity") == [400.0, 90.0]
    assert lookup(found, "beam_energy") == pytest.approx(12000.0, abs=0.1)  # 1.0332 angstrom are 12.000 keV
    assert lookup(found, "detector_distance") == pytest.approx(150.0)
    assert (lookup(found, "event_id"), lookup(found, "source"), lookup(found, "score")) == ("s//0", "s", 0.9)


def test_no_name_begins_another() -> None:
    frame = replace(frames(1)[0], geometry=Geometry(wavelength=1.0, distance=0.1))
    found = msgpack.unpackb(packed(frame.read(), frame, Verdict("s", 0, 0.9, True, spots=SPOTS)))
    for names in (list(found), list(found["detector_data"]), list(found["peak_list"])):
        assert not [(a, b) for a in names for b in names if a != b and b.startswith(a)]


def test_spots_are_float64_because_crystfel_asks_for_no_other_type() -> None:
    spots = (Spot(12, 30, 400, 20.0),)  # integers, which MessagePack would store as such
    frame = frames(1)[0]
    peaks = msgpack.unpackb(packed(frame.read(), frame, Verdict("s", 0, None, True, spots=spots)))[
        "peak_list"
    ]
    assert {type(value) for values in peaks.values() for value in values} == {float}


def test_each_worker_gets_another_image_and_misses_go_to_none() -> None:
    address, hits = free_address(), []
    forward = ForwardToCrystfel(address, lambda: False)

    def ask(images: int) -> list[str]:
        with zmq.Context() as context, context.socket(zmq.REQ) as socket:
            socket.RCVTIMEO = 20_000
            socket.connect(address)
            got = []
            for _ in range(images):
                socket.send(b"next")
                got.append(msgpack.unpackb(socket.recv())["event_id"])
            return got

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(ask, 2) for _ in range(2)]
        for frame in frames(6):
            forward.verdict(frame, Verdict("s", frame.number, 0.5, keep=frame.number not in (1, 4)))
        hits = [worker.result() for worker in workers]
    forward.close()
    assert sorted(hits[0] + hits[1]) == ["s//0", "s//2", "s//3", "s//5"]
    assert (forward.sent, forward.lost) == (4, 0)


def test_an_image_that_cannot_be_decoded_is_left_out_and_a_stopped_watch_does_not_wait() -> None:
    forward, frame = ForwardToCrystfel(free_address(), lambda: True), frames(1)[0]

    def broken() -> Any:
        raise FrameError("s", 0, "damaged")

    forward.verdict(replace(frame, read=broken), Verdict("s", 0, None, True))
    forward.verdict(frame, Verdict("s", 0, 0.9, True))
    forward.close()
    assert (forward.sent, forward.lost) == (0, 2)
