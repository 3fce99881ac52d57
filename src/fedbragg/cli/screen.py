"""``fedbragg screen``: score every frame, keep the hits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.compiling import announced_compiling
from fedbragg.cli.options import (
    GeometryOption,
    ModelOption,
    PathsArgument,
    ThreadsOption,
    ThresholdOption,
    open_hit_finder,
)
from fedbragg.cli.screen_shard import screen_one_shard
from fedbragg.cli.show import say, warn
from fedbragg.cli.show_screening import show, show_stopped

if TYPE_CHECKING:
    from fedbragg.workflows.screen import Screening

OutOption = Annotated[Path, typer.Option(help="Folder for the results.")]
TableOption = Annotated[
    Path | None, typer.Option(help="All verdicts as Parquet too: a name in OUT, such as verdicts.parquet.")
]
NxmxOption = Annotated[Path | None, typer.Option(help="The hits as one NXmx file: a name in OUT.")]
CxiOption = Annotated[
    Path | None, typer.Option(help="The hits and their spots as one CXI file: a name in OUT.")
]
CopyOption = Annotated[
    bool, typer.Option("--copy", help="Copy images into --nxmx and --cxi instead of pointing at them.")
]
GridOption = Annotated[
    str | None, typer.Option(metavar="ROWSxCOLS", help="The run is a grid scan: draw a map of the scores.")
]
SnakeOption = Annotated[
    bool, typer.Option("--snake", help="Every second row of the grid was scanned backwards.")
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Continue the screening in OUT where it stopped.")
]
ShardOption = Annotated[
    str | None,
    typer.Option(metavar="I/N", help="Screen part I of N of the run only; `fedbragg merge` joins the parts."),
]
PanelsOption = Annotated[
    bool,
    typer.Option("--panels", help="The images of a file (NumPy, TIFF, EDF) are the panels of one frame."),
]
FailSafeOption = Annotated[
    bool, typer.Option(help="Keep everything while frames are unlike those that the model was calibrated on.")
]


def screen(
    paths: PathsArgument,
    model: ModelOption = None,
    out: OutOption = Path("screening"),
    threshold: ThresholdOption = None,
    threads: ThreadsOption = 0,
    table: TableOption = None,
    nxmx: NxmxOption = None,
    cxi: CxiOption = None,
    copy: CopyOption = False,
    grid: GridOption = None,
    snake: SnakeOption = False,
    resume: ResumeOption = False,
    fail_safe: FailSafeOption = True,
    panels: PanelsOption = False,
    geometry: GeometryOption = None,
    shard: ShardOption = None,
) -> int:
    """Score every frame of a run and keep the hits.

    Writes OUT/verdicts.csv (path, frame, score, keep, background, spots, resolution, reason: one row a frame),
    OUT/hits.lst (a CrystFEL event list of the kept frames) and OUT/report.html; the images are never changed. A frame
    that cannot be read is kept; the exit code is then 3. After Ctrl-C the results of all finished frames are complete;
    --resume continues. With --shard OUT holds a part, which `fedbragg merge` joins with the others.
    """
    from fedbragg.screening.outputs.requested import Outputs
    from fedbragg.screening.shards.shard import read_shard
    from fedbragg.workflows.cores import number_of_threads
    from fedbragg.workflows.screen import Screening

    part = read_shard(shard) if shard is not None else None
    predictor = open_hit_finder(model)
    screening = Screening(
        predictor=predictor,
        threshold=predictor.card.threshold if threshold is None else threshold,
        out=out,
        threads=number_of_threads(threads),
        outputs=Outputs(table, nxmx, cxi, copy),
        grid=grid,
        snake=snake,
        fail_safe=fail_safe,
        warn=warn,
        panels=panels,
        geometry=geometry,
    )
    if part is not None:
        return screen_one_shard(paths, screening, part, resume=resume)
    return _screen(paths, screening, resume=resume)


def _screen(paths: list[str], screening: Screening, *, resume: bool) -> int:
    from fedbragg.progress import bars
    from fedbragg.workflows.screen import REPORT, begin, screen_run, write_outputs, write_report

    run, session = begin(paths, screening, resume=resume)
    with announced_compiling(say), bars() as progress:
        outcome = screen_run(run, screening, session, progress)
    if outcome.stopped and outcome.tally.frames == 0:
        return show_stopped(outcome, screening.out, len(run))
    try:
        lines = write_outputs(run, screening)
        write_report(screening.out / REPORT, outcome, run, screening)
    except KeyboardInterrupt:
        return show_stopped(replace(outcome, stopped=SIGINT), screening.out, len(run))
    if outcome.stopped:
        return show_stopped(outcome, screening.out, len(run))
    return show(outcome, screening.out, lines)
