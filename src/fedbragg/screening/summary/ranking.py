"""The few frames of a run that rank first, without keeping the others."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field

CAPACITY = 24
"""Frames remembered: more than a report shows."""


@dataclass
class Extremes:
    """The frames with the smallest values, the earliest among equals."""

    _ranked: list[tuple[float, int]] = field(default_factory=list)  # (value, position), rising

    def add(self, value: float, position: int) -> None:
        """Consider one frame."""
        if len(self._ranked) == CAPACITY:
            if (value, position) >= self._ranked[-1]:
                return
            self._ranked.pop()
        insort(self._ranked, (value, position))

    def positions(self, number: int) -> list[int]:
        """Return the positions of the first few."""
        return [position for _, position in self._ranked[:number]]
