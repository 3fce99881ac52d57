"""A live source of frames: the events that it gives, and the Protocol that every kind of source meets."""

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
    announced: int | None = None  # number of images that the detector will send
    notes: tuple[str, ...] = ()  # a line for each field of the start that cannot be used
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
    counted: bool = False  # the number counts this watch's frames; an earlier watch began at 0 as well


@dataclass(frozen=True, slots=True)
class SeriesEnd:
    """A series is over: no other frame of it will come."""

    series: str
    message: bytes  # as it came
    complete: bool = True  # False where the sender stopped without an end message


@dataclass(frozen=True, slots=True)
class Damaged:
    """A message that cannot be used, with the problem and the remedy in one line."""

    reason: str
    message: bytes  # as it came


@dataclass(frozen=True, slots=True)
class Ignored:
    """A whole message of a kind that says nothing about frames."""

    message: bytes  # as it came


@dataclass(frozen=True, slots=True)
class Notice:
    """News for the user that came in no message: the sender is away, or speaks another protocol."""

    text: str


Event = SeriesStart | LiveFrame | SeriesEnd | Damaged | Ignored | Notice
"""Everything that a source can report; each message of the sender gives exactly one event."""


class Source(Protocol):
    """Frames of one sender in the order in which they come, each with its series and number.

    A skipped number is a missing frame, which the caller counts. One thread calls ``receive``.
    """

    @property
    def name(self) -> str:
        """Return the source as the user named it."""
        ...

    def receive(self, timeout: float) -> Event | None:
        """Return the next event, or None when none comes within ``timeout`` seconds."""
        ...

    def close(self) -> None:
        """Disconnect from the sender."""
        ...
