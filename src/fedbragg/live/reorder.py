"""Put items that come nearly in order into order, while a limited number waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

DEPTH = 8
"""Items that wait for a missing one before it is given up; a single sender keeps the order, so few ever wait."""


class Reorder(Generic[Item]):
    """Yields items by their number; one that comes after it was given up is yielded at once."""

    def __init__(self, first: int | None = 0, depth: int = DEPTH) -> None:
        """Begin with the number ``first``; None begins with the first that comes."""
        self._next, self._depth = first, depth
        self._waiting: dict[int, Item] = {}

    def add(self, number: int, item: Item) -> Iterator[Item]:
        """Add an item, and yield all that are now in order."""
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
        """Yield all items that still wait, in order."""
        for number in sorted(self._waiting):
            self._next = number + 1
            yield self._waiting.pop(number)
