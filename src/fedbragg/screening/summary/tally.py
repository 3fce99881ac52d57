"""What a screening comes to: counts, rates, and the frames worth a look; its size does not grow with the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedbragg.screening.outputs.tables import DECIMALS
from fedbragg.screening.summary.grid import Grid, GridScores
from fedbragg.screening.summary.ranking import Extremes
from fedbragg.screening.summary.rate_curve import RateCurve
from fedbragg.types import Verdict

REASONS_SHOWN = 3
BINS = 40
"""Bins of the histogram of scores, from 0 to 1."""


@dataclass
class Tally:
    """Counts verdicts as they pass: some kilobytes, however long the run; with a grid 4 bytes a place more."""

    threshold: float
    grid: Grid | None = None  # where the frames lie, where they were taken on a grid
    frames: int = 0
    kept: int = 0
    unreadable: int = 0
    reasons: list[str] = field(default_factory=list)  # of the first unreadable frames
    histogram: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    curve: RateCurve = field(default_factory=RateCurve)

    def __post_init__(self) -> None:
        self._best, self._doubtful, self._dropped = Extremes(), Extremes(), Extremes()
        self.on_grid = GridScores(self.grid) if self.grid else None

    def watch(self, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
        """Pass verdicts through, counting."""
        for verdict in verdicts:
            self.add(verdict)
            yield verdict

    def add(self, verdict: Verdict) -> None:
        """Count one verdict, the next in the run's order."""
        if verdict.score is None:
            self._add_unread(verdict)
        else:
            # As the table says it, so that the tally can be made again from it.
            self._add_score(round(verdict.score, DECIMALS), keep=verdict.keep)
        self.kept += verdict.keep
        self.curve.add(verdict.keep)
        self.frames += 1

    @property
    def hit_rate(self) -> float:
        """Return the share of the scored frames that are kept; NaN where none was scored."""
        scored = self.frames - self.unreadable
        return (self.kept - self.unreadable) / scored if scored else float("nan")

    def best(self, number: int) -> list[int]:
        """Return the positions of the highest scores among the kept frames, the earliest among equals."""
        return self._best.positions(number)

    def doubtful(self, number: int) -> list[int]:
        """Return the positions of the scores nearest to the threshold."""
        return self._doubtful.positions(number)

    def dropped(self, number: int) -> list[int]:
        """Return the positions of the lowest scores among the dropped frames."""
        return self._dropped.positions(number)

    def _add_unread(self, verdict: Verdict) -> None:
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
        if self.on_grid is not None:
            self.on_grid.add(self.frames, score)
