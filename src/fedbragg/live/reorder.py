"""Put what comes nearly in order into order, with a bound on what waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

DEPTH = 8
"""Items that wait for a missing one before it is given up; a single sender keeps the order, so few wait ever."""


class Reorder(Generic[Item]):
    """Give items by their number; one that comes after its turn was given up is given at once."""

    def __init__(self, first: int | None = 0, depth: int = DEPTH) -> None:
        """Begin with the number ``first``; None begins with the first that comes."""
        self._next, self._depth = first, depth
        self._waiting: dict[int, Item] = {}

    def add(self, number: int, item: Item) -> Iterator[Item]:
        """Yield what can be given now."""
        if self._next is None:
            self._next = number
        if number < self._next:
            yield item
            return
        self._waiting[number] = item
        if len(self._waiting) > self._depth:
            self._next = min(self._waiting)
        while self._next in self._waiting:
            self._next += 1
            yield self._waiting.pop(self._next - 1)

    def rest(self) -> Iterator[Item]:
        """Yield all that still waits, in order."""
        for number in sorted(self._waiting):
            self._next = number + 1
            yield self._waiting.pop(number)
