"""``fedbragg watch``: screen what a detector sends or writes, as it comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.compiling import announced_compiling
from fedbragg.cli.exit_codes import STOPPED, UNREADABLE
from fedbragg.cli.options import ModelOption, ThreadsOption, open_hit_finder
from fedbragg.cli.progress_line import ProgressLine
from fedbragg.cli.screen import FailSafeOption
from fedbragg.cli.show import say, warn

if TYPE_CHECKING:
    from fedbragg.live.series_folder import SeriesOutcome
    from fedbragg.live.watch import Watched
    from fedbragg.types import Verdict
    from fedbragg.workflows.watch import WatchRequest


class WhenFull(StrEnum):
    """What happens when frames come faster than they can be scored."""

    BLOCK = "block"
    KEEP = "keep"


SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="The detector's stream, such as tcp://host:31001 (DECTRIS Stream2), or a file, folder or glob of images "
        "that is still being written.",
    ),
]


def watch(
    source: SourceArgument,
    model: ModelOption = None,
    out: Annotated[Path, typer.Option(help="Folder for the results; each series gets its own in it.")] = Path(
        "watch"
    ),
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
        typer.Option(help="When frames come too fast: let the sender wait, or keep frames without a score."),
    ] = WhenFull.BLOCK,
    queue: Annotated[int, typer.Option(min=0, help="Frames that may wait for a score; 0 is 8 a thread.")] = 0,
    record: Annotated[
        Path | None, typer.Option(help="Folder to which every message is written as it came.")
    ] = None,
    forward: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Push kept images on to who connects here: tcp://*:31002."),
    ] = None,
    nxmx: Annotated[
        bool,
        typer.Option("--nxmx", help="Write the kept images as OUT/SERIES/kept.nxs, packed as they came."),
    ] = False,
    images: Annotated[
        int | None, typer.Option(min=1, help="Frames after which a run on disk is over.")
    ] = None,
    idle_seconds: Annotated[
        float | None,
        typer.Option(
            min=0.1, help="Seconds without a new frame after which a run on disk is over.", show_default="60"
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End with the first series that ends.")] = False,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="Print each verdict as a line of JSON.")] = False,
    fail_safe: FailSafeOption = True,
) -> int:
    """Screen what a detector sends or writes, as it comes, and keep the hits.

    Each series gets OUT/SERIES/verdicts.csv and hits.lst, written frame by frame in the order of the images. A frame
    that cannot be read or scored is kept. Ctrl-C ends the watch; started again it goes on in the same folders. The exit
    code is 3 when images are missing, unreadable or unscored.
    """
    from fedbragg.workflows.cores import number_of_threads
    from fedbragg.workflows.watch import WatchRequest

    predictor = open_hit_finder(model)
    request = WatchRequest(
        predictor,
        predictor.card.threshold if limit is None else limit,
        out,
        number_of_threads(threads),
        queue=queue,
        keep_when_full=when_full is WhenFull.KEEP,
        fail_safe=fail_safe,
        once=once,
        record=record,
        forward=forward,
        images=nxmx,
        channel=threshold,
        idle=idle_seconds,
        images_in_run=images,
    )
    return _watch(source, request, ndjson=ndjson)


def _watch(source: str, request: WatchRequest, *, ndjson: bool) -> int:
    from fedbragg.screening.stop_signal import StopSignal
    from fedbragg.workflows.watch import Shown
    from fedbragg.workflows.watch import watch as run_watch

    tell = warn if ndjson else say  # with --ndjson the output stream holds verdicts and nothing else
    line = ProgressLine()
    shown = Shown(
        series=lambda outcome: line.over(lambda: show_series(outcome, tell)),
        verdict=print_json if ndjson else _nothing,
        progress=line.update,
        warn=lambda text: line.over(lambda: warn(text)),
    )
    with StopSignal() as stop, announced_compiling(shown.warn):
        result = run_watch(source, request, shown, stop)
    line.clear()
    if result.damaged:
        tell(f"damaged     {result.damaged} messages")
    if result.ignored:
        tell(f"ignored     {result.ignored} messages of other kinds")
    if result.stopped:
        return show_stopped(result, request.out)
    return 0 if result.complete else UNREADABLE


def show_series(outcome: SeriesOutcome, tell: Callable[[str], None]) -> None:
    """Print the result of a series."""
    from fedbragg.report.screening import percent
    from fedbragg.screening.outputs.tables import KEPT, VERDICTS

    tally = outcome.outcome.tally
    tell(f"series      {outcome.series}" + ("" if outcome.ended else " (its end did not come)"))
    tell(f"frames      {tally.frames}")
    tell(f"kept        {tally.kept}")
    tell(f"hit rate    {percent(tally.hit_rate)}")
    tell(f"frames/s    {tally.frames / max(outcome.outcome.seconds, 1e-9):.1f}")
    for line in what_is_missing(outcome):
        tell(line)
    tell(f"promise     {outcome.outcome.promise}")
    for text in outcome.outcome.drift:
        tell(f"drift       {text}")
    tell(f"written     {outcome.folder / VERDICTS}, {outcome.folder / KEPT}")
    if outcome.images:
        tell(f"            {outcome.images}")


def what_is_missing(outcome: SeriesOutcome) -> list[str]:
    """Return a line for each way in which a series is not complete."""
    numbers = outcome.numbers
    counted = {
        f"(images {numbers.in_words()})": ("missing", numbers.missing),
        f"of {numbers.announced} announced images, the last ones": ("not sent", numbers.unsent),
        "(kept, the queue was full)": ("unscored", outcome.unscored),
        "(kept)": ("unreadable", outcome.outcome.tally.unreadable - outcome.unscored),
        "(counted once)": ("twice", outcome.twice),
        f"the {numbers.announced} announced images": ("beyond", outcome.beyond),
    }
    lines = [f"{name:<12}{number} {text}" for text, (name, number) in counted.items() if number]
    if numbers.joined is not None:
        lines.append(f"joined      at image {numbers.joined}; those before were not received")
    return lines


def show_stopped(result: Watched, out: Path) -> int:
    """Print in one line what was lost; return the exit code."""
    lost = f"Not received: {' and '.join(result.lost)}." if result.lost else "No series was underway."
    typer.echo(
        f"fedbragg: stopped after {result.frames} frames; all that were received are written to {out}. {lost}",
        err=True,
    )
    return STOPPED + result.stopped


def print_json(verdict: Verdict) -> None:
    """Print a verdict as one line of JSON, at once."""
    row = {
        "series": verdict.path,
        "image": verdict.index,
        "score": verdict.score,
        "keep": verdict.keep,
        "background": verdict.background,
        "spots": verdict.spot_count,
        "resolution": verdict.resolution,
        "reason": verdict.reason,
    }
    print(json.dumps(row), flush=True)


def _nothing(verdict: Verdict) -> None:
    pass
