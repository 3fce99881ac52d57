"""A live source of frames: what it tells, message by message, and the Protocol that every kind of source meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fedbragg.live.packed_image import PackedImage
from fedbragg.types import Frame, Geometry


@dataclass(frozen=True, slots=True)
class SeriesStart:
    """A series begins; a watcher that joins late never sees it."""

    series: str  # the series' unique name
    message: bytes  # as it came
    announced: int | None = None  # images that the detector means to send
    notes: tuple[str, ...] = ()  # what the start says that cannot be used, a line each
    unique: bool = (
        True  # False where a later series may have the same name, as after the detector was switched off
    )


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """One frame, still packed."""

    series: str
    number: int  # the detector's, from 0
    message: bytes  # as it came
    read: Callable[[], Frame]  # decodes, in the thread that calls; raises FrameError
    packed: Callable[[], PackedImage]  # as the detector packed it; raises FrameError
    geometry: Geometry = field(default_factory=Geometry)  # empty where the series' start was not seen
    saturation: float | None = None  # highest trusted count, where the start gives it
    counted: bool = False  # the number counts what came to this watch; an earlier watch began at 0 as well


@dataclass(frozen=True, slots=True)
class SeriesEnd:
    """A series is over: no other frame of it will come."""

    series: str
    message: bytes  # as it came
    complete: bool = True  # False where the sender stopped without saying that this was all


@dataclass(frozen=True, slots=True)
class Damaged:
    """A message that cannot be used: what is wrong, and what to do, in one line."""

    reason: str
    message: bytes  # as it came


@dataclass(frozen=True, slots=True)
class Ignored:
    """A whole message of a kind that says nothing about frames."""

    message: bytes  # as it came


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the user that is no message: the sender is away, or speaks another language."""

    text: str


Event = SeriesStart | LiveFrame | SeriesEnd | Damaged | Ignored | Notice
"""Whatever a source can tell; each message of the sender gives exactly one event."""


class Source(Protocol):
    """Frames of one sender in the order in which they come, each with its series and number.

    A number that is left out is a missing frame, which the reader of a source counts. One thread calls ``receive``.
    """

    @property
    def name(self) -> str:
        """Return the source as the user named it."""
        ...

    def receive(self, timeout: float) -> Event | None:
        """Return the next event, or None when none comes within ``timeout`` seconds."""
        ...

    def close(self) -> None:
        """Let go of the sender."""
        ...
