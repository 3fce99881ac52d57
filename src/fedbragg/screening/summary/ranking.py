"""The first frames of a run in rising order of a value, without storing the others."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field

CAPACITY = 24
"""Frames stored: more than a report shows."""


@dataclass
class Ranking:
    """The frames with the smallest values; of equal values the earliest."""

    _ranked: list[tuple[float, int]] = field(default_factory=list)  # (value, position), rising

    def add(self, value: float, position: int) -> None:
        """Rank one frame."""
        if len(self._ranked) == CAPACITY:
            if (value, position) >= self._ranked[-1]:
                return
            self._ranked.pop()
        insort(self._ranked, (value, position))

    def positions(self, number: int) -> list[int]:
        """Return the positions of the first frames."""
        return [position for _, position in self._ranked[:number]]
