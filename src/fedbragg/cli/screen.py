"""``fedbragg screen``: score every frame, keep the hits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from signal import SIGINT
from typing import Annotated

import typer

from fedbragg.cli.options import (
    ModelOption,
    PathsArgument,
    ThreadsOption,
    ThresholdOption,
    number_of_threads,
    open_model,
)
from fedbragg.cli.screened import (
    REPORT,
    Screening,
    begin,
    screen_run,
    tell,
    tell_stopped,
    write_outputs,
    write_report,
)

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
    bool, typer.Option("--resume", help="Go on where an interrupted screening in OUT stopped.")
]
FailSafeOption = Annotated[
    bool, typer.Option(help="Keep everything while frames are unlike those the model was calibrated on.")
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
) -> int:
    """Score every frame of a run and keep the hits.

    Writes OUT/verdicts.csv (path, frame, score, keep, background, reason: one row a frame, in order), OUT/hits.lst (a
    CrystFEL event list of the kept frames) and OUT/report.html; the images are never changed. A frame that cannot be
    read is kept; the exit code is then 3. Ctrl-C leaves the results of all finished frames; --resume goes on.
    """
    from fedbragg.screening.outputs.requested import Outputs

    scorer = open_model(model)
    screening = Screening(
        scorer=scorer,
        threshold=scorer.card.threshold if threshold is None else threshold,
        out=out,
        threads=number_of_threads(threads),
        outputs=Outputs(table, nxmx, cxi, copy).within(out),
        grid=grid,
        snake=snake,
        fail_safe=fail_safe,
    )
    return _screen(paths, screening, resume=resume)


def _screen(paths: list[str], screening: Screening, *, resume: bool) -> int:
    run, session = begin(paths, screening, resume=resume)
    outcome = screen_run(run, screening, session)
    if outcome.stopped and outcome.tally.frames == 0:
        return tell_stopped(outcome, screening.out, len(run))
    try:
        made = write_outputs(run, screening, session)
        write_report(screening.out / REPORT, outcome, run, screening)
    except KeyboardInterrupt:
        return tell_stopped(replace(outcome, stopped=SIGINT), screening.out, len(run))
    if outcome.stopped:
        return tell_stopped(outcome, screening.out, len(run))
    return tell(outcome, screening.out, made)
