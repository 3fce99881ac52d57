"""Counts, rates and notable frames of a screening; the size does not grow with the run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedbragg.screening.summary.grid import Grid, GridScores
from fedbragg.screening.summary.ranking import Ranking
from fedbragg.screening.summary.rate_curve import RateCurve
from fedbragg.types import Verdict

REASONS_SHOWN = 3
BINS = 40
"""Bins of the histogram of scores, from 0 to 1."""


@dataclass
class Tally:
    """Counts verdicts in a few kilobytes, and 12 bytes more for each point of a grid."""

    threshold: float
    grid: Grid | None = None  # where the frames were taken on a grid
    frames: int = 0
    kept: int = 0
    unreadable: int = 0
    reasons: list[str] = field(default_factory=list)  # of the first unreadable frames
    histogram: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    curve: RateCurve = field(default_factory=RateCurve)  # of the kept frames

    def __post_init__(self) -> None:
        """Start the rankings."""
        self._best, self._doubtful, self._dropped = Ranking(), Ranking(), Ranking()
        self.on_grid = GridScores(self.grid) if self.grid else None

    def add(self, verdict: Verdict) -> None:
        """Count the next verdict in the run's order."""
        if verdict.score is None:
            self._add_unreadable(verdict)
        else:
            self._add_score(verdict.score, keep=verdict.keep)
            if self.on_grid is not None:
                self.on_grid.add(self.frames, verdict)
        self.kept += verdict.keep
        self.curve.add(verdict.keep)
        self.frames += 1

    @property
    def hit_rate(self) -> float:
        """Return the share of the scored frames that are kept; NaN where none is scored."""
        scored = self.frames - self.unreadable
        return (self.kept - self.unreadable) / scored if scored else float("nan")

    def best(self, number: int) -> list[int]:
        """Return the positions of the kept frames with the highest scores; of equal scores the earliest."""
        return self._best.positions(number)

    def doubtful(self, number: int) -> list[int]:
        """Return the positions of the frames with scores nearest to the threshold."""
        return self._doubtful.positions(number)

    def dropped(self, number: int) -> list[int]:
        """Return the positions of the dropped frames with the lowest scores."""
        return self._dropped.positions(number)

    def _add_unreadable(self, verdict: Verdict) -> None:
        self.unreadable += 1
        if len(self.reasons) < REASONS_SHOWN and verdict.reason:
            self.reasons.append(f"{verdict.path} frame {verdict.index}: {verdict.reason}")

    def _add_score(self, score: float, *, keep: bool) -> None:
        self.histogram[min(int(score * BINS), BINS - 1)] += 1
        self._doubtful.add(abs(score - self.threshold), self.frames)
        if keep:
            self._best.add(-score, self.frames)
        else:
            self._dropped.add(score, self.frames)
