"""Watch a live source: every frame's verdict as it comes, a folder for each series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.errors import ConfigError, FrameError
from fedbragg.types import Frame, Unreadable, Verdict

if TYPE_CHECKING:
    from fedbragg.live.forward import Forward
    from fedbragg.live.pipeline import Pipeline
    from fedbragg.live.recording import Recorder
    from fedbragg.live.series_folder import SeriesFolder, SeriesOutcome
    from fedbragg.live.source import LiveFrame, SeriesEnd, SeriesStart, Source
    from fedbragg.live.watch import Watched
    from fedbragg.screening.stop_signal import StopSignal
    from fedbragg.tasks.hits.predictor import HitPredictor

PLACES_PER_THREAD = 8
"""Frames in the queue for each thread, so that a slow frame stops no thread."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a watch tells whoever started it, one function for each kind of news."""

    series: Callable[[SeriesOutcome], None]  # a series is over
    verdict: Callable[[Verdict], None]  # in the order of the images
    progress: Callable[[Watched, int, int], None]  # result so far, frames that wait, missing images
    warn: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """The settings of one watch."""

    predictor: HitPredictor
    limit: float  # of the score, from which frames are kept
    out: Path  # each series gets a folder in it
    threads: int
    queue: int = 0  # frames received and not yet decided; 0 is eight a thread
    keep_when_full: bool = False  # keep frames without a score; otherwise the sender waits
    fail_safe: bool = True
    once: bool = False  # end with the first series
    record: Path | None = None  # folder of the raw messages
    forward: str | None = None  # address that kept messages are pushed to
    images: bool = False  # write the kept images as NXmx too
    channel: str | None = None  # of the detector; None is its first

    @property
    def places(self) -> int:
        """Return how many frames may be received and not yet decided."""
        return self.queue or PLACES_PER_THREAD * self.threads


def open_live(address: str, request: WatchRequest) -> Source:
    """Open a live source by its address; raise ConfigError for one that is none, MissingExtraError without pyzmq."""
    from fedbragg.live.connection import require_live
    from fedbragg.live.stream2.reader import Stream2Reader
    from fedbragg.live.stream2.source import Stream2Source

    if not address.startswith(("tcp://", "ipc://")):
        raise ConfigError(
            f"{address}: no live source. Give the detector's address, such as tcp://host:31001."
        )
    require_live("watching a detector")
    return Stream2Source(address, Stream2Reader(request.channel, spare=2 * request.threads))


def watch(address: str, request: WatchRequest, shown: Shown, stop: StopSignal) -> Watched:
    """Screen what a live source sends until its end or until it is stopped.

    Raises ConfigError for an address that cannot be used, InputError where results cannot be written.
    """
    from fedbragg.live.forward import Forward
    from fedbragg.live.recording import Recorder

    recorder = Recorder(request.record, shown.warn) if request.record is not None else None
    source = open_live(address, request)
    try:
        forward = Forward(request.forward, lambda: bool(stop.number)) if request.forward else None
    except ConfigError:
        source.close()
        raise
    try:
        return _run(_pipeline(source, request, recorder), request, _Watcher(shown, request, forward), stop)
    finally:
        if forward is not None:
            forward.close()


def _run(pipeline: Pipeline, request: WatchRequest, watcher: _Watcher, stop: StopSignal) -> Watched:
    from fedbragg.live.watch import Watch

    watching = Watch(_folders(request, watcher.warn), watcher)

    def step() -> None:
        watcher.shown.progress(watching.result, pipeline.waiting, watching.missing())

    return watching.run(pipeline, stop, step)


def _pipeline(source: Source, request: WatchRequest, recorder: Recorder | None) -> Pipeline:
    from fedbragg.live.pipeline import Pipeline, PipelineSettings

    messages = request.images or request.forward is not None
    settings = PipelineSettings(
        request.threads, request.places, request.keep_when_full, messages, request.once
    )
    return Pipeline(source, scorer_of(request), settings, recorder or (lambda message: None))


def scorer_of(request: WatchRequest) -> Callable[[LiveFrame], Verdict]:
    """Return the function that decodes a live frame and judges it as ``screen`` does; several threads may call it."""
    from fedbragg.screening.judge import FrameScorer, Judge

    scorer = FrameScorer(request.predictor.scorer, request.predictor.card.prepare)

    def judged(frame: LiveFrame) -> Verdict:
        return Judge(replace(scorer, geometry=frame.geometry), request.limit)(_decoded(frame))

    def judged_or_kept(frame: LiveFrame) -> Verdict:
        try:
            return judged(frame)
        except Exception as error:  # one odd frame must not end a watch, and what cannot be scored is kept
            reason = (
                f"cannot be scored ({type(error).__name__}). Keep its message by --record, and report it."
            )
            return Verdict(frame.series, frame.number, None, True, reason, event=f"//{frame.number}")

    return judged_or_kept


def _decoded(frame: LiveFrame) -> Frame | Unreadable:
    try:
        return frame.read()
    except FrameError as error:
        return Unreadable(error.path, error.index, error.reason, error.event)


def _folders(request: WatchRequest, warn: Callable[[str], None]) -> Callable[[str], SeriesFolder]:
    """Return what opens the folder of a series, with its own drift monitor."""
    from fedbragg.live.series_folder import SeriesFolder, SeriesSettings
    from fedbragg.models.onnx_file import digest
    from fedbragg.workflows.screen import drift_monitor

    model = digest(request.predictor.path)
    settings = SeriesSettings(
        request.out, model, request.limit, request.fail_safe, request.threads, request.images
    )

    def open_folder(series: str) -> SeriesFolder:
        drift = drift_monitor(request.predictor, request.fail_safe, warn)
        return SeriesFolder(series, settings, drift, warn)

    return open_folder


class _Watcher:
    """Shows what a watch tells, and forwards what is kept."""

    def __init__(self, shown: Shown, request: WatchRequest, forward: Forward | None) -> None:
        self.shown, self._request, self._forward = shown, request, forward
        self.warn = shown.warn

    def verdict(self, frame: LiveFrame, verdict: Verdict) -> None:
        self.shown.verdict(verdict)
        if self._forward is not None:
            self._forward.verdict(frame, verdict)

    def message(self, event: SeriesStart | SeriesEnd) -> None:
        if self._forward is not None:
            self._forward.message(event)

    def closed(self, outcome: SeriesOutcome) -> None:
        from fedbragg.screening.guarantee.wording import promise_line

        promise = promise_line(self._request.predictor.card, self._request.limit)
        self.shown.series(replace(outcome, outcome=replace(outcome.outcome, promise=promise)))
