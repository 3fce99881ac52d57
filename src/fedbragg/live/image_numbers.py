"""Keep track of which images of a series came, are missing, or came twice or late."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from enum import StrEnum

SHOWN = 5
"""Gaps that are listed one by one."""


class Seen(StrEnum):
    """The meaning of an image's number."""

    NEW = "new"
    TWICE = "twice"  # it has come before
    BEYOND = "beyond"  # the start announced fewer images; gaps are not counted up to it


class ImageNumbers:
    """The numbers of a series' images; memory grows with the gaps only."""

    def __init__(self, first: int | None = 0, announced: int | None = None) -> None:
        """Begin at ``first``; None begins at the first image that comes, for a client that joins in the middle."""
        self.joined: int | None = None  # number of the first image, where we joined in the middle
        self.announced = announced
        self._first, self._next = first, first or 0
        self._gaps: list[range] = []  # in order
        self._beyond: set[int] = set()

    @classmethod
    def of(cls, numbers: Iterable[int], announced: int | None = None) -> ImageNumbers:
        """Return the state after these numbers came, with no start seen."""
        found = cls(None, announced)
        for number in numbers:
            found.see(number)
        return found

    def starts_at_zero(self, announced: int | None) -> None:
        """Learn from a start that comes late that the series begins at 0."""
        self.announced = announced
        if self._first is not None and self._first > 0:
            self._gaps.insert(0, range(self._first))
        self._first, self.joined = 0, None

    @property
    def next(self) -> int:
        """Return the number after the highest that came."""
        return self._next

    @property
    def missing(self) -> int:
        """Return how many images below the highest number did not come."""
        return sum(map(len, self._gaps))

    @property
    def unsent(self) -> int:
        """Return how many announced images after the highest number did not come."""
        return max(0, self.announced - self._next) if self.announced is not None else 0

    def see(self, number: int) -> Seen:
        """Take an image's number into account."""
        if self.announced is not None and number >= self.announced:
            return self._see_beyond(number)
        if self._first is None:
            self._first = self._next = number
            self.joined = number or None
        if number >= self._next:
            if number > self._next:
                self._gaps.append(range(self._next, number))
            self._next = number + 1
            return Seen.NEW
        if number < self._first:
            self._gaps.insert(0, range(number + 1, self._first))
            self._first = number
            return Seen.NEW
        return self._see_late(number)

    def in_words(self) -> str:
        """Return the missing numbers: ``17, 20-24``."""
        gaps = [gap for gap in self._gaps if gap]
        parts = [str(gap[0]) if len(gap) == 1 else f"{gap[0]}-{gap[-1]}" for gap in gaps[:SHOWN]]
        return ", ".join(parts) + (f" and {len(gaps) - SHOWN} more gaps" if len(gaps) > SHOWN else "")

    def _see_beyond(self, number: int) -> Seen:
        if number in self._beyond:
            return Seen.TWICE
        self._beyond.add(number)
        return Seen.BEYOND

    def _see_late(self, number: int) -> Seen:
        place = bisect_right(self._gaps, number, key=lambda gap: gap.start) - 1
        if place < 0 or number not in self._gaps[place]:
            return Seen.TWICE
        gap = self._gaps[place]
        parts = (range(gap.start, number), range(number + 1, gap.stop))
        self._gaps[place : place + 1] = [part for part in parts if part]
        return Seen.NEW
