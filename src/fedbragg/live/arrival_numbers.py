"""Numbers for frames whose sender does not number the series: counted on arrival, with gaps for lost messages."""

from __future__ import annotations


class ArrivalNumbers:
    """Numbers frames from 0 in the order of arrival.

    Each process of a sender counts its own messages. Where such a count jumps, as many numbers are skipped here, so
    that readers can count the missing frames; where a count goes back, its process has restarted.
    """

    def __init__(self) -> None:
        self._next = 0
        self._last: dict[int, int] = {}  # count of each process

    def number(self, count: int, process: int = 0) -> int:
        """Return the series number of the frame that has this count in its process."""
        left_out = max(0, count - self._last.get(process, count - 1) - 1)
        self._last[process] = count
        self._next += left_out + 1
        return self._next - 1
