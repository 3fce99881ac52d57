"""Handle the events of a source: write a folder for each series, warn of problems once, pass kept frames on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from fedbragg.live.pipeline import Arrived, Pipeline
from fedbragg.live.series_folder import SeriesFolder, SeriesOutcome
from fedbragg.live.source import Damaged, Ignored, LiveFrame, Notice, SeriesEnd, SeriesStart
from fedbragg.screening.stop_signal import StopSignal
from fedbragg.types import Verdict

LINES_A_KIND = 3
"""Lines about unreadable frames or damaged messages before they are only counted."""
OPEN_SERIES = 4
"""Series that are open at once; a detector has one, and a second where the first one's end is late."""
IDLE_ROUNDS = 10
"""Rounds of the pipeline without an event, a tenth of a second each, after which waiting verdicts are written."""


class Watcher(Protocol):
    """Receives the results of a watch while it runs."""

    def verdict(self, frame: LiveFrame, verdict: Verdict) -> None:
        """Take a frame and its verdict, in the order of the images."""
        ...

    def message(self, event: SeriesStart | SeriesEnd) -> None:
        """Take the beginning or the end of a series."""
        ...

    def closed(self, outcome: SeriesOutcome) -> None:
        """Take the result of a series that is over."""
        ...

    def warn(self, line: str) -> None:
        """Take a line about a problem."""
        ...


@dataclass(slots=True)
class Watched:
    """The result of a watch."""

    frames: int = 0  # written by this watch
    kept: int = 0
    damaged: int = 0  # messages that could not be used
    ignored: int = 0  # messages of kinds that say nothing about frames
    incomplete: int = 0  # series with missing, unreadable or unscored frames, or without an end
    lost: list[str] = field(default_factory=list)  # a line for each series that was stopped
    stopped: int = 0  # the signal that ended it; 0 is none

    @property
    def complete(self) -> bool:
        """Return whether every series was complete and every message could be used."""
        return not (self.damaged or self.incomplete)


@dataclass(slots=True)
class Progress:
    """The progress of a watch."""

    frames: int = 0  # written by this watch
    kept: int = 0
    waiting: int = 0  # events that are received and not yet handled
    missing: int = 0  # images of the series that are open
    damaged: int = 0  # messages that could not be used
    lag: float = 0.0  # seconds from receiving the latest frame to its verdict
    drift: str = ""  # why the open series is unlike the calibration; empty if it is like it
    skipped: int = 0  # frames that were left out, for display only


class Watch:
    """A watch of one source, from its first message to its end."""

    def __init__(self, open_folder: Callable[[str, bool], SeriesFolder], watcher: Watcher) -> None:
        """Open each series by ``open_folder``, which takes its name and whether it must be a new one."""
        self.result = Watched()
        self._open_folder, self._watcher = open_folder, watcher
        self._open: dict[str, SeriesFolder] = {}
        self._warned: dict[str, int] = {}
        self._ended: set[str] = set()  # series whose end came
        self._lag = 0.0

    def run(self, pipeline: Pipeline, stop: StopSignal, step: Callable[[], object] = lambda: None) -> Watched:
        """Handle all events until the pipeline ends; ``step`` is called after each, and while there is none."""
        idle = 0
        with closing(pipeline.run()) as events:
            for arrived in events:
                if arrived is None:
                    idle += 1
                    if idle == IDLE_ROUNDS:
                        self._write_waiting()
                else:
                    idle = 0
                    self._deal_with(arrived)
                step()
                if stop.number:
                    pipeline.stop()
        self.result.stopped = stop.number
        self._close_rest(stopped=bool(stop.number))
        return self.result

    def progress(self, waiting: int) -> Progress:
        """Return the progress of the watch, of which this many events wait."""
        result, open_now = self.result, self._open.values()
        missing = sum(folder.numbers.missing for folder in open_now)
        drift = next((folder.drift for folder in open_now if folder.drift), "")
        return Progress(result.frames, result.kept, waiting, missing, result.damaged, self._lag, drift)

    def _deal_with(self, arrived: Arrived) -> None:
        match arrived.event:
            case LiveFrame() as frame if arrived.verdict is not None:
                self._lag = arrived.seconds
                self._frame(frame, arrived.verdict)
            case SeriesStart() as start:
                self._start(start)
            case SeriesEnd() as end:
                self._end(end)
            case Damaged(reason):
                self.result.damaged += 1
                self._warn("damaged", reason)
            case Notice(text):
                self._watcher.warn(text)
            case Ignored():
                self.result.ignored += 1

    def _start(self, start: SeriesStart) -> None:
        for series in [name for name in self._open if name != start.series]:
            self._close(series, ended=False)  # a detector starts a series when the one before is over
        if not start.unique:
            self._open_fresh(start.series)
        self._folder(start.series).start(start.announced)
        for note in start.notes:
            self._watcher.warn(f"{start.series}: {note}")
        self._watcher.message(start)

    def _open_fresh(self, series: str) -> None:
        """Open a folder of its own for a series that begins and may have the name of an earlier one."""
        if series in self._open and self._open[series].numbers.next:
            self._close(series, ended=False)
        if series not in self._open:
            self._open[series] = self._open_folder(series, True)

    def _frame(self, frame: LiveFrame, judged: Verdict) -> None:
        if judged.score is None:
            self._warn(f"frames of {frame.series}", f"{frame.series} image {frame.number}: {judged.reason}")
        self._pass_on(self._folder(frame.series).add(frame, judged))

    def _end(self, end: SeriesEnd) -> None:
        if end.series not in self._open and end.series in self._ended:
            return  # it was reported already
        self._folder(end.series)  # a series of no image has a folder too
        self._close(end.series, ended=end.complete)
        self._watcher.message(end)
        self._ended.add(end.series)

    def _folder(self, series: str) -> SeriesFolder:
        if series not in self._open:
            while len(self._open) >= OPEN_SERIES:
                self._close(next(iter(self._open)), ended=False)
            self._open[series] = self._open_folder(series, False)
        return self._open[series]

    def _close(self, series: str, *, ended: bool) -> SeriesOutcome:
        folder = self._open.pop(series)
        self._pass_on(folder.idle())
        outcome = folder.close(ended=ended)
        self.result.incomplete += not outcome.complete
        self._warned.pop(f"frames of {series}", None)
        self._watcher.closed(outcome)
        return outcome

    def _write_waiting(self) -> None:
        for folder in self._open.values():
            self._pass_on(folder.idle())

    def _pass_on(self, written: Iterable[tuple[LiveFrame, Verdict]]) -> None:
        for frame, verdict in written:
            self.result.frames += 1
            self.result.kept += verdict.keep
            self._watcher.verdict(frame, verdict)

    def _close_rest(self, *, stopped: bool) -> None:
        for series in list(self._open):
            outcome = self._close(series, ended=False)
            if stopped:
                self.result.lost.append(f"the images of {series} from {outcome.numbers.next} on")

    def _warn(self, kind: str, line: str) -> None:
        count = self._warned[kind] = self._warned.get(kind, 0) + 1
        if count <= LINES_A_KIND:
            more = " (others like it are only counted)" if count == LINES_A_KIND else ""
            self._watcher.warn(f"{line}{more}")
