"""Watch a live source: every frame's verdict as it comes, a folder for each series."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.errors import FrameError
from fedbragg.types import Frame, Unreadable, Verdict
from fedbragg.workflows.live_figures import live_figures
from fedbragg.workflows.live_page import Look, live_page
from fedbragg.workflows.live_source import check_source, growing_run, is_stream, open_live

if TYPE_CHECKING:
    from fedbragg.live.forward import Forwarding
    from fedbragg.live.pipeline import Pipeline
    from fedbragg.live.recording import Recorder
    from fedbragg.live.series_folder import SeriesFolder, SeriesOutcome, SeriesSettings
    from fedbragg.live.source import LiveFrame, SeriesEnd, SeriesStart, Source
    from fedbragg.live.watch import Progress, Watched
    from fedbragg.screening.stop_signal import StopSignal
    from fedbragg.screening.summary.grid import Grid
    from fedbragg.tasks.hits.predictor import HitPredictor

PLACES_PER_THREAD = 8
"""Frames in the queue for each thread, so that a slow frame stops no thread."""


def _nothing(text: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Shown:
    """Callbacks of a watch, one for each kind of news."""

    series: Callable[[SeriesOutcome], None]  # a series is over
    verdict: Callable[[LiveFrame, Verdict], None]  # in the order of the images
    progress: Callable[[Progress], None]
    warn: Callable[[str], None]
    page: Callable[[str], None] = _nothing  # the address of the live page


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """The settings of one watch."""

    predictor: HitPredictor
    limit: float  # of the score, from which frames are kept
    out: Path  # each series gets a folder in it
    threads: int
    queue: int = 0  # most frames that wait for a decision; 0 is eight a thread
    keep_when_full: bool = False  # keep frames without a score; otherwise the sender waits
    fail_safe: bool = True
    once: bool = False  # end with the first series
    record: Path | None = None  # folder of the raw messages
    forward: str | None = None  # address that kept messages are pushed to
    to_crystfel: bool = False  # give them decoded to CrystFEL, which asks for each
    images: bool = False  # write the kept images as NXmx too
    channel: str | None = None  # of the detector; None is its first
    idle: float | None = None  # seconds without a new frame that end a run on disk; None is a minute
    images_in_run: int | None = None  # frames after which a run on disk is over
    page: int | None = None  # port of the live page; 0 is any, None is no page
    grid: Grid | None = None  # where the frames of a series are taken, for the page
    figures: str | None = None  # prefix of EPICS process variables
    latest: bool = False  # only show the newest frames on the page

    @property
    def places(self) -> int:
        """Return how many frames may wait for a decision."""
        return self.queue or PLACES_PER_THREAD * self.threads


def watch(address: str, request: WatchRequest, shown: Shown, stop: StopSignal) -> Watched:
    """Screen a live source until it ends or is stopped.

    Raises ConfigError for an address that cannot be used, InputError where results cannot be written.
    """
    from fedbragg.live.recording import Recorder
    from fedbragg.live.watch import Watch

    check_source(address, request)
    settings = _settings(address, request)
    recorder = Recorder(request.record, shown.warn) if request.record is not None else None
    forward, look = None, None
    with ExitStack() as open_now:
        if request.page is not None:
            shown, look = open_now.enter_context(live_page(address, request, shown))
        if request.figures is not None:
            shown = open_now.enter_context(live_figures(request.figures, shown))
        if request.forward is not None:
            forward = open_now.enter_context(closing(_forwarding(request.forward, request, stop)))
        source = open_live(address, request, settings)
        once = request.once or not is_stream(address)
        pipeline = _pipeline(source, replace(request, once=once), recorder, look)
        watching = Watch(_folders(request, settings, shown.warn), _Watcher(shown, request, forward))
        return watching.run(pipeline, stop, lambda: shown.progress(watching.progress(pipeline.waiting)))


def _forwarding(address: str, request: WatchRequest, stop: StopSignal) -> Forwarding:
    from fedbragg.live.crystfel import ForwardToCrystfel
    from fedbragg.live.forward import Forward

    return (ForwardToCrystfel if request.to_crystfel else Forward)(address, lambda: bool(stop.number))


def _pipeline(
    source: Source, request: WatchRequest, recorder: Recorder | None, look: Look | None
) -> Pipeline:
    from fedbragg.live.pipeline import Pipeline, PipelineSettings

    messages = request.images or request.forward is not None
    settings = PipelineSettings(
        request.threads,
        request.places,
        keep_when_full=request.keep_when_full,
        messages=messages,
        once=request.once,
    )
    return Pipeline(source, scorer_of(request, look), settings, recorder or (lambda message: None))


def scorer_of(request: WatchRequest, look: Look | None = None) -> Callable[[LiveFrame], Verdict]:
    """Return the function that decodes a live frame and judges it as ``screen`` does; several threads may call it.

    ``look`` is given every frame that was decoded, with its verdict and spots.
    """
    from fedbragg.screening.judge import FrameScorer, Judge

    list_spots = look is not None or request.to_crystfel
    predictor = request.predictor
    scorer = FrameScorer(predictor.scorer, predictor.card.prepare, list_spots, masks=predictor.masks)

    def judged(frame: LiveFrame) -> Verdict:
        """Return the verdict; one bad frame must not end a watch, and a frame that cannot be scored is kept."""
        found: Frame | Unreadable = Unreadable(frame.series, frame.number, "", f"//{frame.number}")
        try:
            found = _decoded(frame)
            verdict = Judge(replace(scorer, geometry=frame.geometry), request.limit)(found)
            if look is not None and isinstance(found, Frame):
                look(frame, found, verdict)
            return verdict
        except Exception as error:
            reason = (
                f"cannot be scored ({type(error).__name__}). Keep its message by --record, and report it."
            )
            return Verdict(found.path, found.index, None, True, reason, event=found.event)

    return judged


def _decoded(frame: LiveFrame) -> Frame | Unreadable:
    try:
        return frame.read()
    except FrameError as error:
        return Unreadable(error.path, error.index, error.reason, error.event)


def _settings(address: str, request: WatchRequest) -> SeriesSettings:
    from fedbragg.live.series_folder import SeriesSettings
    from fedbragg.models.onnx_file import digest

    model = digest(request.predictor.path)
    name = "" if is_stream(address) else growing_run(address, request).folder
    return SeriesSettings(
        request.out, model, request.limit, request.fail_safe, request.threads, request.images, name
    )


def _folders(
    request: WatchRequest, settings: SeriesSettings, warn: Callable[[str], None]
) -> Callable[[str, bool], SeriesFolder]:
    """Return the function that opens the folder of a series, with its own drift monitor."""
    from fedbragg.live.series_folder import SeriesFolder
    from fedbragg.workflows.screen import drift_monitor

    def open_folder(series: str, fresh: bool) -> SeriesFolder:
        drift = drift_monitor(request.predictor, request.fail_safe, warn)
        return SeriesFolder(series, settings, drift, warn, fresh=fresh)

    return open_folder


class _Watcher:
    """Passes the news of a watch to its callbacks, and forwards kept frames."""

    def __init__(self, shown: Shown, request: WatchRequest, forward: Forwarding | None) -> None:
        self.shown, self._request, self._forward = shown, request, forward
        self.warn = shown.warn

    def verdict(self, frame: LiveFrame, verdict: Verdict) -> None:
        self.shown.verdict(frame, verdict)
        if self._forward is not None:
            self._forward.verdict(frame, verdict)

    def message(self, event: SeriesStart | SeriesEnd) -> None:
        if self._forward is not None:
            self._forward.message(event)

    def closed(self, outcome: SeriesOutcome) -> None:
        from fedbragg.screening.guarantee.wording import promise_line

        promise = promise_line(self._request.predictor.card, self._request.limit)
        self.shown.series(replace(outcome, outcome=replace(outcome.outcome, promise=promise)))
