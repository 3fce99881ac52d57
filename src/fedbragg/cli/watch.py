"""``fedbragg watch``: screen images while a detector sends or writes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.compiling import announced_compiling
from fedbragg.cli.exit_codes import STOPPED, UNREADABLE
from fedbragg.cli.options import ModelOption, ThreadsOption, open_hit_finder
from fedbragg.cli.progress_line import ProgressLine
from fedbragg.cli.screen import RESULTS, FailSafeOption
from fedbragg.cli.show import say, warn
from fedbragg.cli.show_series import show_series, show_stopped
from fedbragg.errors import ConfigError

if TYPE_CHECKING:
    from fedbragg.live.watch import Watched
    from fedbragg.workflows.watch import WatchRequest

OUT = Path("watch")
TOO_FAST, ON_DISK, SHOWN = "Frames that come too fast", "Runs on disk", "Page and EPICS variables"
"""Groups of options in the help."""


class WhenFull(StrEnum):
    """The action when frames come faster than they can be scored."""

    BLOCK = "block"
    KEEP = "keep"


class ForwardFormat(StrEnum):
    """How kept images are passed on."""

    STREAM = "stream"
    MSGPACK = "msgpack"


SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="The detector's stream, such as tcp://host:31001, an EPICS channel, pva://NAME, or a file, folder or glob "
        "of images that is still being written.",
    ),
]


def watch(
    source: SourceArgument,
    model: ModelOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results; each series gets its own in it.", show_default="watch"),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(
            "--min-score",
            min=0,
            max=1,
            help="Keep frames with this score or more.",
            show_default="the model's",
        ),
    ] = None,
    threads: ThreadsOption = 0,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The detector's energy threshold to score.", show_default="its first"
        ),
    ] = None,
    when_full: Annotated[
        WhenFull,
        typer.Option(
            help="When frames come too fast: let the sender wait, or keep frames without a score.",
            rich_help_panel=TOO_FAST,
        ),
    ] = WhenFull.BLOCK,
    queue: Annotated[
        int,
        typer.Option(
            min=0, help="Frames that may wait for a score; 0 is 8 a thread.", rich_help_panel=TOO_FAST
        ),
    ] = 0,
    record: Annotated[
        Path | None,
        typer.Option(help="Folder to which every message is written as it came.", rich_help_panel=RESULTS),
    ] = None,
    forward: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Push kept images to programs that connect here: tcp://*:31002.",
            rich_help_panel=RESULTS,
        ),
    ] = None,
    forward_format: Annotated[
        ForwardFormat,
        typer.Option(
            help="How they are passed on: as they came, or on request for CrystFEL's --zmq-request.",
            rich_help_panel=RESULTS,
        ),
    ] = ForwardFormat.STREAM,
    nxmx: Annotated[
        bool,
        typer.Option(
            "--nxmx",
            help="Write the kept images as OUT/SERIES/kept.nxs, packed as they came.",
            rich_help_panel=RESULTS,
        ),
    ] = False,
    images: Annotated[
        int | None,
        typer.Option(min=1, help="Frames after which a run on disk is over.", rich_help_panel=ON_DISK),
    ] = None,
    idle_seconds: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Seconds without a new frame after which a run on disk is over.",
            show_default="60",
            rich_help_panel=ON_DISK,
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End with the first series that ends.")] = False,
    ndjson: Annotated[
        str | None,
        typer.Option(
            "--ndjson",
            metavar="FILE",
            help="Write each verdict as a line of JSON; - is standard output.",
            rich_help_panel=RESULTS,
        ),
    ] = None,
    page: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Show the progress on a page at this port of this machine; 0 is any.",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="ROWSxCOLS",
            help="The grid that each series scans, for the page's map.",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    snake: Annotated[
        bool,
        typer.Option(
            "--snake", help="Every second row of --grid is scanned from right to left.", rich_help_panel=SHOWN
        ),
    ] = False,
    pv: Annotated[
        str | None,
        typer.Option(
            metavar="PREFIX",
            help="Serve PREFIX:HITRATE, PREFIX:FRAMES and PREFIX:MISSING as EPICS variables (PVAccess).",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    latest: Annotated[
        bool,
        typer.Option(
            "--latest",
            help="Only show the newest frames, on --page, and drop the others.",
            rich_help_panel=SHOWN,
        ),
    ] = False,
    fail_safe: FailSafeOption = True,
) -> int:
    """Screen images while a detector sends or writes them, and keep the hits.

    Each series gets OUT/SERIES/verdicts.csv and hits.lst, written frame by frame in the order of the images. A frame
    that cannot be read or scored is kept. Ctrl-C ends the watch; started again it continues in the same folders. The
    exit code is 3 when images are missing, unreadable or unscored.
    """
    from fedbragg.screening.summary.grid import grid_of
    from fedbragg.workflows.cores import number_of_threads
    from fedbragg.workflows.watch import WatchRequest

    if latest and (out is not None or ndjson is not None):
        raise ConfigError(
            "--latest leaves frames out by chance, so it only shows them. Leave out --out and --ndjson."
        )
    if forward is None and forward_format is not ForwardFormat.STREAM:
        raise ConfigError("--forward-format applies to --forward only. Give its address too.")
    scanned = grid_of(grid, snake=snake)
    predictor = open_hit_finder(model)
    request = WatchRequest(
        predictor,
        predictor.card.threshold if limit is None else limit,
        out or OUT,
        number_of_threads(threads),
        queue=queue,
        keep_when_full=when_full is WhenFull.KEEP,
        fail_safe=fail_safe,
        once=once,
        record=record,
        forward=forward,
        to_crystfel=forward_format is ForwardFormat.MSGPACK,
        images=nxmx,
        channel=threshold,
        idle=idle_seconds,
        images_in_run=images,
        page=page,
        grid=scanned,
        figures=pv,
        latest=latest,
    )
    return _watch(source, request, ndjson)


def _watch(source: str, request: WatchRequest, ndjson: str | None) -> int:
    from fedbragg.live.verdict_lines import STANDARD_OUTPUT, VerdictLines
    from fedbragg.screening.stop_signal import StopSignal
    from fedbragg.workflows.watch import Shown
    from fedbragg.workflows.watch import watch as run_watch
    from fedbragg.workflows.watch_latest import watch_latest

    tell = (
        warn if ndjson == STANDARD_OUTPUT else say
    )  # the output stream then holds verdicts and nothing else
    line = ProgressLine()
    shown = Shown(
        series=lambda outcome: line.over(lambda: show_series(outcome, tell)),
        verdict=lambda frame, verdict: None,
        progress=line.update,
        warn=lambda text: line.over(lambda: warn(text)),
        page=lambda address: tell(f"page        {address}"),
    )
    run = watch_latest if request.latest else run_watch
    with ExitStack() as open_now:
        if ndjson is not None:
            lines = open_now.enter_context(closing(VerdictLines(ndjson, shown.warn)))
            shown = replace(shown, verdict=lines.write)
        stop = open_now.enter_context(StopSignal())
        open_now.enter_context(announced_compiling(shown.warn))
        result = run(source, request, shown, stop)
    line.clear()
    return _end(result, request, tell)


def _end(result: Watched, request: WatchRequest, tell: Callable[[str], None]) -> int:
    """Print the counts of unused messages and the losses of a stopped watch, and return the exit code."""
    if result.damaged:
        tell(f"damaged     {result.damaged} messages")
    if result.ignored:
        tell(f"ignored     {result.ignored} messages of other kinds")
    if result.stopped and request.latest:
        return STOPPED + result.stopped
    if result.stopped:
        return show_stopped(result, request.out)
    return 0 if result.complete else UNREADABLE
