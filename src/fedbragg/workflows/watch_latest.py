"""Show the newest frames of a live source on the page and drop the others: for viewing, never for screening."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from fedbragg.errors import ConfigError
from fedbragg.workflows.live_page import live_page
from fedbragg.workflows.live_source import check_source, is_stream, open_live

if TYPE_CHECKING:
    from fedbragg.live.pipeline import Pipeline
    from fedbragg.live.watch import Progress, Watched
    from fedbragg.screening.stop_signal import StopSignal
    from fedbragg.workflows.watch import Shown, WatchRequest


def watch_latest(address: str, request: WatchRequest, shown: Shown, stop: StopSignal) -> Watched:
    """Show frames until the source ends or is stopped; write nothing and guarantee nothing.

    Raises ConfigError for an address that cannot be used, and for options that would keep a selection of frames.
    """
    from fedbragg.live.pipeline import Pipeline, PipelineSettings
    from fedbragg.workflows.watch import scorer_of

    check_source(address, request)
    _check(request)
    request = replace(request, queue=2 * request.threads)
    with live_page(address, request, shown) as (seen, look):
        source = open_live(address, request)
        once = request.once or not is_stream(address)
        settings = PipelineSettings(request.threads, request.places, latest=True, once=once)
        return _shown(Pipeline(source, scorer_of(request, look), settings), seen, stop)


def _check(request: WatchRequest) -> None:
    given = {
        "--record": request.record is not None,
        "--forward": request.forward is not None,
        "--nxmx": request.images,
        "--when-full keep": request.keep_when_full,
        "--pv": request.figures is not None,
    }
    wrong = [option for option, is_given in given.items() if is_given]
    if wrong:
        raise ConfigError(
            f"--latest leaves frames out by chance, so it only shows them. Leave out {', '.join(wrong)}."
        )
    if request.page is None:
        raise ConfigError("--latest shows frames on the live page. Add --page 0.")


def _shown(pipeline: Pipeline, shown: Shown, stop: StopSignal) -> Watched:
    from fedbragg.live.source import Damaged, LiveFrame, Notice
    from fedbragg.live.watch import Progress, Watched

    result, progress = Watched(), Progress()
    with closing(pipeline.run()) as events:
        for arrived in events:
            event = arrived.event if arrived is not None else None
            if isinstance(event, LiveFrame) and arrived is not None and arrived.verdict is not None:
                result.frames += 1
                result.kept += arrived.verdict.keep
                progress.lag = arrived.seconds
                shown.verdict(event, arrived.verdict)
            elif isinstance(event, Damaged):
                result.damaged += 1
            elif isinstance(event, Notice):
                shown.warn(event.text)
            shown.progress(_counted(progress, result, pipeline))
            if stop.number:
                pipeline.stop()
    result.stopped = stop.number
    return result


def _counted(progress: Progress, result: Watched, pipeline: Pipeline) -> Progress:
    progress.frames, progress.kept, progress.damaged = result.frames, result.kept, result.damaged
    progress.waiting, progress.skipped = pipeline.waiting, pipeline.skipped
    return progress
