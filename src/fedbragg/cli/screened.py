"""The steps of one screening, as ``fedbragg screen`` and ``fedbragg demo`` take them, and what they print."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fedbragg.cli.show import Bar, bars, say

if TYPE_CHECKING:
    from fedbragg.screening.drift.monitor import Drift
    from fedbragg.screening.outputs.requested import Outputs
    from fedbragg.screening.resume import Identity
    from fedbragg.screening.session import Outcome, Session
    from fedbragg.tasks.hits.model_file import Scorer
    from fedbragg.types import Run

UNREADABLE = 3
"""Exit code of a screening that is complete but met frames it could not read; they are kept."""
STOPPED = 128
"""And the number of the signal: exit code of a screening that was stopped, 130 by Ctrl-C."""
REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Screening:
    """What is screened with what, and what is to come of it."""

    scorer: Scorer
    threshold: float
    out: Path  # folder of the results
    threads: int
    outputs: Outputs
    grid: str | None = None  # ROWSxCOLS
    snake: bool = False
    fail_safe: bool = True  # keep everything while the run is unlike what the model was calibrated on

    @property
    def spots(self) -> bool:
        """Tell whether the hits' spots are to be listed."""
        return self.outputs.cxi is not None


def begin(paths: list[str], screening: Screening, *, resume: bool) -> tuple[Run, Session]:
    """Open the run and check, before any work, that all that is asked for can be done; raise FedbraggError."""
    from fedbragg.errors import RunError
    from fedbragg.images import open_run
    from fedbragg.images.paths import expand
    from fedbragg.screening.resume import start_anew, to_resume
    from fedbragg.screening.session import Session
    from fedbragg.screening.summary.grid import read_grid

    files = expand(paths)
    screening.outputs.check(files)
    run = open_run(files)
    if len(run) == 0:
        raise RunError(f"{paths[0]}: no file given holds a frame. Check that its writer got any.")
    grid = read_grid(screening.grid, snake=screening.snake, frames=len(run))
    wanted = _identity(files, run, screening)
    begun = to_resume(screening.out, wanted) if resume else start_anew(screening.out, wanted)
    return run, Session(screening.out, screening.threads, begun, grid, _drift(screening))


def _identity(files: list[str], run: Run, screening: Screening) -> Identity:
    from fedbragg.screening.resume import Identity, digest_of_files
    from fedbragg.tasks.hits.model_file import digest

    return Identity(
        digest_of_files(files),
        len(run),
        digest(screening.scorer.path),
        screening.threshold,
        screening.spots,
        screening.fail_safe,
    )


def screen_run(run: Run, screening: Screening, session: Session) -> Outcome:
    """Screen a run, or what is left of it, into its folder."""
    from fedbragg.screening.drift.wording import drift_lines
    from fedbragg.screening.engine import Judge
    from fedbragg.screening.guarantee.wording import promise_line
    from fedbragg.screening.session import conduct

    scorer = screening.scorer
    judge = Judge(scorer, scorer.card.prepare, screening.threshold, mark=screening.spots)
    with bars() as place:
        bar = Bar(place, "Screening", len(run))
        for _ in range(session.begun.done):
            bar.step()
        outcome = conduct(run, judge, session, bar.step)
    promise = promise_line(scorer.card, screening.threshold)
    return replace(outcome, promise=promise, drift=drift_lines(session.drift))


def write_outputs(run: Run, screening: Screening, session: Session) -> list[str]:
    """Write Parquet, NXmx and CXI where they are asked for; return what to say of them."""
    from fedbragg.screening.resume import add_outputs

    add_outputs(screening.out, [*screening.outputs.paths(), screening.out / REPORT])
    return screening.outputs.write(screening.out, run)


def write_report(path: Path, outcome: Outcome, run: Run, screening: Screening) -> None:
    """Write the report of one screening."""
    from fedbragg.errors import InputError
    from fedbragg.report.page import page
    from fedbragg.report.screening import sections

    tally = outcome.tally
    name = screening.scorer.path.name
    lead = f"{tally.frames} frames screened with {name}, threshold {tally.threshold:.3g}."
    if outcome.stopped:
        lead += f" The run has {len(run)}: it was stopped, and --resume goes on."
    text = page("Screening report", lead, sections(outcome, run, screening.scorer))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}). Make room, then add --resume."
        ) from None


def tell(outcome: Outcome, out: Path, made: list[str]) -> int:
    """Print what came of it; raise InputError where no frame at all could be read, else return the exit code."""
    from fedbragg.errors import InputError
    from fedbragg.report.screening import percent
    from fedbragg.screening.outputs.tables import KEPT, VERDICTS

    tally = outcome.tally
    if tally.frames == tally.unreadable:
        first = f" First: {tally.reasons[0]}" if tally.reasons else ""
        raise InputError(f"none of the {tally.frames} frames could be read; all are kept.{first}")
    say(f"frames      {tally.frames}")
    say(f"kept        {tally.kept}")
    say(f"hit rate    {percent(tally.hit_rate)}")
    say(f"frames/s    {tally.frames / outcome.seconds:.1f}")
    if tally.unreadable:
        say(f"unreadable  {tally.unreadable} (kept)")
        for reason in tally.reasons:
            say(f"            {reason}")
    say(f"promise     {outcome.promise}")
    for line in outcome.drift:
        say(f"drift       {line}")
    say(f"written     {out / VERDICTS}, {out / KEPT}, {out / REPORT}")
    for line in made:
        say(f"            {line}")
    return UNREADABLE if tally.unreadable else 0


def tell_stopped(outcome: Outcome, out: Path, frames: int) -> int:
    """Say in one line how far it came and how to go on; return the exit code."""
    typer.echo(
        f"fedbragg: stopped after {outcome.tally.frames} of {frames} frames, whose results are whole in {out}. "
        "To go on, give the same command with --resume.",
        err=True,
    )
    return STOPPED + outcome.stopped


def _drift(screening: Screening) -> Drift | None:
    """Return the watch over a run, where the model says what it was calibrated on."""
    calibration = screening.scorer.card.calibration
    if calibration is None:
        return None
    from fedbragg.screening.drift.monitor import Drift, DriftSettings

    return Drift(calibration, DriftSettings(fail_safe=screening.fail_safe), tell=_loudly)


def _loudly(line: str) -> None:
    typer.echo(f"fedbragg: {line}", err=True)
