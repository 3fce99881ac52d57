"""A rate along a run of unknown length, in a bounded number of steps."""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_WIDTH = 10
MOST_STEPS = 120
"""When these are full, every two steps become one, so that any long run has 60 to 120 steps."""


@dataclass
class RateCurve:
    """The share of frames with a property, step by step; every step but the last is ``width`` frames long."""

    width: int = FIRST_WIDTH
    counts: list[int] = field(default_factory=list)  # frames with the property, a step
    frames: int = 0

    def add(self, holds: bool) -> None:
        """Count the next frame, which has the property or not."""
        step = self.frames // self.width
        if step == MOST_STEPS:
            self.counts = [a + b for a, b in zip(self.counts[::2], self.counts[1::2], strict=True)]
            self.width *= 2
            step = self.frames // self.width
        if step == len(self.counts):
            self.counts.append(0)
        self.counts[step] += holds
        self.frames += 1

    def points(self) -> list[tuple[float, float]]:
        """Return (last frame of the step, share from 0 to 1) for every step."""
        ends = [min((step + 1) * self.width, self.frames) for step in range(len(self.counts))]
        return [
            (float(end), count / (end - step * self.width))
            for step, (end, count) in enumerate(zip(ends, self.counts, strict=True))
        ]
