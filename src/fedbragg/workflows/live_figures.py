"""The figures of a watch as EPICS process variables, for control systems and their displays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fedbragg.types import Verdict

if TYPE_CHECKING:
    from fedbragg.live.series_folder import SeriesOutcome
    from fedbragg.live.source import LiveFrame
    from fedbragg.live.watch import Progress
    from fedbragg.workflows.watch import Shown

SECONDS_BETWEEN = 0.5
"""Interval between posted values."""


@dataclass(slots=True)
class _Figures:
    """The values of the variables, and the counts behind them."""

    post: Callable[[str, float], None]
    series: str = ""
    scored: int = 0  # frames of the series
    kept: int = 0  # of these
    frames: int = 0  # of all series
    missing: int = 0  # of the series that are over
    open_missing: int = 0
    due: float = 0.0
    posted: dict[str, float] = field(default_factory=dict)

    def count(self, frame: LiveFrame, verdict: Verdict) -> None:
        """Count a verdict."""
        if frame.series != self.series:
            self.series, self.scored, self.kept = frame.series, 0, 0
        self.frames += 1
        self.scored += verdict.score is not None
        self.kept += verdict.keep and verdict.score is not None

    def post_changed(self) -> None:
        """Post every value that has changed."""
        self.due = time.monotonic() + SECONDS_BETWEEN
        now = {
            "HITRATE": self.kept / self.scored if self.scored else 0.0,
            "FRAMES": self.frames,
            "MISSING": self.missing + self.open_missing,
        }
        for name, value in now.items():
            if self.posted.get(name) != value:
                self.post(name, value)
        self.posted = now


@contextmanager
def live_figures(prefix: str, shown: Shown) -> Iterator[Shown]:
    """Serve ``PREFIX:HITRATE`` of the series, ``PREFIX:FRAMES`` and ``PREFIX:MISSING`` of the watch during the block.

    Gives callbacks that update them too. Raises MissingExtraError without the packages for it.
    """
    from fedbragg.live.connection import require_live
    from fedbragg.live.pvaccess.served import figure_channels

    require_live("serving figures")
    with figure_channels(prefix) as post:
        figures = _Figures(post)

        def series(outcome: SeriesOutcome) -> None:
            figures.missing += outcome.numbers.missing + outcome.numbers.unsent
            figures.open_missing = 0
            shown.series(outcome)

        def verdict(frame: LiveFrame, verdict: Verdict) -> None:
            figures.count(frame, verdict)
            shown.verdict(frame, verdict)

        def progress(progress: Progress) -> None:
            figures.open_missing = progress.missing
            if time.monotonic() >= figures.due:
                figures.post_changed()
            shown.progress(progress)

        yield replace(shown, series=series, verdict=verdict, progress=progress)
