"""The progress of a watch: written by the watch, read by the threads that serve the page."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from math import isfinite
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.live.page.latest_hits import LatestHits
from fedbragg.live.pipeline import UNSCORED
from fedbragg.live.series_folder import SeriesOutcome
from fedbragg.live.source import LiveFrame
from fedbragg.live.watch import Progress
from fedbragg.screening.summary.grid import Grid
from fedbragg.screening.summary.tally import BINS
from fedbragg.types import Verdict

RECENT = 500
"""Number of latest frames whose hit rate and background are drawn."""
PIECES = 50
"""Points of each curve."""
WINDOW = 25
"""Frames up to each point over which it averages."""
SPAN = 5.0
"""Seconds over which the frame rate is averaged."""
LINES = 4
NO_SCORE, HIGHEST = 255, 200
"""Codes of the map: no score; a score of 1. A score of 0 is 0."""


@dataclass(frozen=True, slots=True)
class PageSettings:
    """The fixed facts of a watch."""

    source: str  # as the user named it
    limit: float  # of the score, from which frames are kept
    places: int  # length of the queue
    promise: str  # the model's guarantee, in one line
    grid: Grid | None = None  # where the frames of a series are taken
    latest_only: bool = False  # frames are left out when they come too fast


@dataclass(slots=True)
class Totals:
    """Counts since the watch began."""

    frames: int = 0
    kept: int = 0
    unscored: int = 0  # kept, the queue was full
    unreadable: int = 0  # kept, no score for another reason
    missing: int = 0  # of the series that are over


@dataclass(slots=True)
class _Series:
    """The series of the latest frame."""

    name: str = ""
    frames: int = 0
    kept: int = 0
    scored: int = 0
    scored_kept: int = 0
    histogram: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    recent: deque[tuple[bool, float]] = field(default_factory=lambda: deque(maxlen=RECENT))


class LiveState:
    """The state that the page shows; any thread may call any method."""

    def __init__(self, settings: PageSettings) -> None:
        self.settings, self.totals = settings, Totals()
        self.hits = LatestHits(all_frames=settings.latest_only)
        self._lock = threading.Lock()
        self._series, self._progress = _Series(), Progress()
        self._over: deque[dict[str, Any]] = deque(maxlen=LINES)
        self._lines: deque[str] = deque(maxlen=LINES)
        self._times: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._map = self._empty_map()

    def verdict(self, frame: LiveFrame, verdict: Verdict) -> None:
        """Count a verdict, in the order of the images."""
        with self._lock:
            if frame.series != self._series.name:
                self._series, self._map = _Series(frame.series), self._empty_map()
            self._count(verdict)
            self._place(frame.number, verdict)

    def progress(self, progress: Progress) -> None:
        """Take the state of the queue, and update the frame rate."""
        now = time.monotonic()
        with self._lock:
            self._progress = progress
            if now - self._times[-1][0] >= 0.5:
                self._times.append((now, self.totals.frames))
                while now - self._times[0][0] > SPAN and len(self._times) > 2:
                    self._times.popleft()

    def series_over(self, outcome: SeriesOutcome) -> None:
        """Take the result of a series."""
        tally, numbers = outcome.outcome.tally, outcome.numbers
        with self._lock:
            self.totals.missing += numbers.missing + numbers.unsent
            self._progress.missing = 0
            self._over.appendleft(
                {
                    "name": outcome.series,
                    "frames": tally.frames,
                    "kept": tally.kept,
                    "complete": outcome.complete,
                }
            )

    def line(self, text: str) -> None:
        """Show a line about a problem."""
        with self._lock:
            self._lines.appendleft(text)

    def rate(self) -> float:
        """Return frames a second over the last seconds."""
        with self._lock:
            (then, before), now = self._times[0], time.monotonic()
            return (self.totals.frames - before) / max(now - then, 0.5)

    @property
    def missing(self) -> int:
        """Return how many images are missing, of all series."""
        return self.totals.missing + self._progress.missing

    @property
    def latest(self) -> Progress:
        """Return the state of the queue."""
        return self._progress

    def map_codes(self) -> bytes:
        """Return a code for each point of the grid, row by row; empty without a grid."""
        with self._lock:
            return self._map.tobytes()

    def snapshot(self) -> dict[str, Any]:
        """Return everything that the page draws except pictures and map."""
        rate = self.rate()
        with self._lock:
            series, progress, grid = self._series, self._progress, self.settings.grid
            return {
                "source": self.settings.source,
                "series": series.name,
                "frames": series.frames,
                "kept": series.kept,
                "hit_rate": series.scored_kept / series.scored if series.scored else None,
                "limit": self.settings.limit,
                "histogram": series.histogram.tolist(),
                "curves": _curves(series.recent),
                "rate": rate,
                "lag": progress.lag,
                "queue": [progress.waiting, self.settings.places],
                "missing": self.missing,
                "unscored": self.totals.unscored,
                "unreadable": self.totals.unreadable,
                "damaged": progress.damaged,
                "skipped": progress.skipped if self.settings.latest_only else None,
                "drift": progress.drift,
                "promise": self.settings.promise,
                "over": list(self._over),
                "lines": list(self._lines),
                "grid": [grid.rows, grid.cols] if grid else None,
                "hits": [
                    {
                        "id": made,
                        "name": f"{hit.series} {hit.number}",
                        "score": hit.score,
                        "size": hit.size,
                        "spots": hit.spots,
                    }
                    for made, hit in self.hits.listed()
                ],
            }

    def _count(self, verdict: Verdict) -> None:
        series, totals = self._series, self.totals
        for counted in (series, totals):
            counted.frames += 1
            counted.kept += verdict.keep
        if verdict.score is None:
            totals.unscored += verdict.reason == UNSCORED
            totals.unreadable += verdict.reason != UNSCORED
            return
        series.scored += 1
        series.scored_kept += verdict.keep
        series.histogram[min(int(verdict.score * BINS), BINS - 1)] += 1
        level = verdict.background
        series.recent.append((verdict.keep, float("nan") if level is None else level))

    def _place(self, number: int, verdict: Verdict) -> None:
        if self.settings.grid is not None and number < self._map.size and verdict.score is not None:
            self._map[self.settings.grid.point(number)] = round(verdict.score * HIGHEST)

    def _empty_map(self) -> NDArray[np.uint8]:
        grid = self.settings.grid
        return np.full((grid.rows, grid.cols) if grid else (0, 0), NO_SCORE, np.uint8)


def _curves(recent: deque[tuple[bool, float]]) -> dict[str, list[float | None]]:
    """Return the share of hits, and the median background in counts a pixel, of the frames before each point."""
    frames = list(recent)
    ends = sorted({round((place + 1) * len(frames) / PIECES) for place in range(PIECES)} - {0})
    windows = [frames[max(0, end - WINDOW) : end] for end in ends]
    return {
        "hit_rate": [round(sum(kept for kept, _ in window) / len(window), 4) for window in windows],
        "background": [_median([level for _, level in window]) for window in windows],
    }


def _median(levels: list[float]) -> float | None:
    known = [level for level in levels if isfinite(level)]
    return float(f"{median(known):.4g}") if known else None
