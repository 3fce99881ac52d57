"""Channels that we serve: images one after the other, and the figures of a watch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fedbragg.live.packed_image import PackedImage
from fedbragg.live.pvaccess.ntndarray import fields_of

POLL = 0.1
"""Seconds between checks whether to stop, while a sender waits for a client."""
LAST = 0.5
"""Seconds in which the last image reaches its clients."""
FIGURES = {"HITRATE": "d", "FRAMES": "l", "MISSING": "l"}
"""Each figure's name, which follows the prefix, and its type."""


class ImageChannel:
    """A channel of NTNDArray; use `image_channel`."""

    def __init__(self) -> None:
        from p4p import Value
        from p4p.nt import NTNDArray
        from p4p.server.thread import SharedPV

        self._type, self._value = NTNDArray.buildType(), Value
        self._client = threading.Event()
        self.variable = SharedPV(handler=_Handler(self._client.set), initial=Value(self._type, {}))

    def wait(self, stopped: Callable[[], bool]) -> bool:
        """Wait for the first client; return False when ``stopped`` came first."""
        while not self._client.wait(POLL):
            if stopped():
                return False
        return True

    def post(self, image: PackedImage, number: int) -> None:
        """Send an image to all clients; one that is too slow misses it."""
        self.variable.post(self._value(self._type, fields_of(image, number)))


class _Handler:
    """The callbacks of p4p when clients connect and disconnect."""

    def __init__(self, first: Callable[[], None]) -> None:
        self._first = first

    def onFirstConnect(self, variable: Any) -> None:  # noqa: N802  p4p's name
        """Note that a client has connected."""
        self._first()


@contextmanager
def image_channel(name: str) -> Iterator[ImageChannel]:
    """Serve a channel of images during the block."""
    from p4p.server import Server

    channel = ImageChannel()
    with Server(providers=[{name: channel.variable}]):
        yield channel
        time.sleep(LAST)


@contextmanager
def figure_channels(prefix: str) -> Iterator[Callable[[str, float], None]]:
    """Serve ``PREFIX:HITRATE``, ``PREFIX:FRAMES`` and ``PREFIX:MISSING``; give a function that sets one by its name."""
    from p4p.nt import NTScalar
    from p4p.server import Server
    from p4p.server.thread import SharedPV

    variables = {name: SharedPV(nt=NTScalar(kind), initial=0) for name, kind in FIGURES.items()}
    with Server(providers=[{f"{prefix}:{name}": variable for name, variable in variables.items()}]):
        yield lambda name, value: variables[name].post(value)
