"""``fedbragg screen``: score every frame, keep the hits."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.options import (
    ModelOption,
    PathsArgument,
    ThreadsOption,
    ThresholdOption,
    number_of_threads,
    open_model,
)
from fedbragg.cli.show import Bar, bars, say

if TYPE_CHECKING:
    from fedbragg.models.file import Scorer
    from fedbragg.screening.tally import Tally
    from fedbragg.types import Run

UNREADABLE = 3
"""Exit code of a screening that is complete but met frames it could not read; they are kept."""


def screen(
    paths: PathsArgument,
    model: ModelOption = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("screening"),
    threshold: ThresholdOption = None,
    threads: ThreadsOption = 0,
) -> int:
    """Score every frame of a run and keep the hits.

    Writes OUT/verdicts.csv (path, frame, score, keep: one row a frame, in order), OUT/hits.lst (a CrystFEL event list
    of the kept frames) and OUT/report.html. A frame that cannot be read is kept; the exit code is then 3.
    """
    from fedbragg.errors import RunError
    from fedbragg.images import open_run

    scorer = open_model(model)
    run = open_run(paths)
    if len(run) == 0:
        raise RunError(f"{paths[0]}: no file given holds a frame. Check that its writer got any.")
    limit = scorer.card.threshold if threshold is None else threshold
    tally, seconds = screen_run(run, scorer, limit, out, number_of_threads(threads))
    write_report(out / "report.html", tally, run, scorer, seconds)
    return tell(tally, seconds, out)


def screen_run(run: Run, scorer: Scorer, threshold: float, out: Path, threads: int) -> tuple[Tally, float]:
    """Screen a run into a folder; return the tally and the seconds it took."""
    from fedbragg.screening.engine import screen as verdicts_of
    from fedbragg.screening.tally import Tally
    from fedbragg.screening.writers import verdict_files

    tally = Tally(threshold)
    start = time.perf_counter()
    with verdict_files(out) as files, bars() as place:
        bar = Bar(place, "Screening", len(run))
        for verdict in tally.watch(verdicts_of(run, scorer, scorer.card.prepare, threshold, threads)):
            files.write(verdict)
            bar.step()
    return tally, time.perf_counter() - start


def write_report(path: Path, tally: Tally, run: Run, scorer: Scorer, seconds: float) -> None:
    """Write the report of one screening."""
    from fedbragg.report.page import page
    from fedbragg.report.screening import sections

    lead = f"{tally.frames} frames screened with {scorer.path.name}, threshold {tally.threshold:.3g}."
    path.write_text(page("Screening report", lead, sections(tally, run, scorer, seconds)), encoding="utf-8")


def tell(tally: Tally, seconds: float, out: Path) -> int:
    """Print what came of it; raise InputError where no frame at all could be read, else return the exit code."""
    from fedbragg.errors import InputError
    from fedbragg.report.screening import percent
    from fedbragg.screening.writers import KEPT, VERDICTS

    if tally.frames == tally.unreadable:
        raise InputError(
            f"none of the {tally.frames} frames could be read; all are kept. First: {tally.reasons[0]}"
        )
    say(f"frames      {tally.frames}")
    say(f"kept        {tally.kept}")
    say(f"hit rate    {percent(tally.hit_rate)}")
    say(f"frames/s    {tally.frames / seconds:.1f}")
    if tally.unreadable:
        say(f"unreadable  {tally.unreadable} (kept)")
        for reason in tally.reasons:
            say(f"            {reason}")
    say(f"written     {out / VERDICTS}, {out / KEPT}, {out / 'report.html'}")
    return UNREADABLE if tally.unreadable else 0
