"""Numbers for frames whose sender gives no number in the series: they count what came, and leave out what did not."""

from __future__ import annotations


class ArrivalNumbers:
    """Numbers frames from 0 in the order in which they come.

    Each process of a sender counts its own messages. Where such a count jumps, as many numbers are left out, so that
    whoever reads the numbers counts the missing; where it goes back, its process has started again.
    """

    def __init__(self) -> None:
        self._next = 0
        self._last: dict[int, int] = {}  # count of each process

    def number(self, count: int, process: int = 0) -> int:
        """Return the number of the frame that a process counted so."""
        left_out = max(0, count - self._last.get(process, count - 1) - 1)
        self._last[process] = count
        self._next += left_out + 1
        return self._next - 1
