"""Screen a run into a folder: verdicts, files of hits, a report; stopped anywhere, it can be resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.progress import SILENT, Progress

if TYPE_CHECKING:
    from fedbragg.screening.drift.monitor import Drift
    from fedbragg.screening.outputs.requested import Outputs
    from fedbragg.screening.resume import Identity
    from fedbragg.screening.session import Outcome, Session
    from fedbragg.tasks.hits.predictor import HitPredictor
    from fedbragg.types import Run

REPORT = "report.html"


def _silent(line: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Screening:
    """What is screened with what, and what is to come of it."""

    predictor: HitPredictor
    threshold: float
    out: Path  # folder of the results
    threads: int
    outputs: Outputs
    grid: str | None = None  # ROWSxCOLS
    snake: bool = False
    fail_safe: bool = True  # keep everything while the run is unlike what the model was calibrated on
    warn: Callable[[str], None] = _silent  # hears of drift, in one line, when it happens

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
    from fedbragg.models.onnx_file import digest
    from fedbragg.screening.resume import Identity, digest_of_files

    return Identity(
        digest_of_files(files),
        len(run),
        digest(screening.predictor.path),
        screening.threshold,
        screening.spots,
        screening.fail_safe,
    )


def screen_run(run: Run, screening: Screening, session: Session, progress: Progress = SILENT) -> Outcome:
    """Screen a run, or what is left of it, into its folder."""
    from fedbragg.screening.drift.wording import drift_lines
    from fedbragg.screening.engine import Judge
    from fedbragg.screening.guarantee.wording import promise_line
    from fedbragg.screening.session import conduct

    scorer = screening.predictor.scorer
    judge = Judge(scorer, scorer.card.prepare, screening.threshold, mark=screening.spots)
    step = progress.stage("Screening", len(run))
    for _ in range(session.begun.done):
        step()
    outcome = conduct(run, judge, session, step)
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
    name = screening.predictor.path.name
    lead = f"{tally.frames} frames screened with {name}, threshold {tally.threshold:.3g}."
    if outcome.stopped:
        lead += f" The run has {len(run)}: it was stopped, and --resume goes on."
    text = page("Screening report", lead, sections(outcome, run, screening.predictor))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}). Make room, then add --resume."
        ) from None


def _drift(screening: Screening) -> Drift | None:
    """Return the watch over a run, where the model says what it was calibrated on."""
    calibration = screening.predictor.card.calibration
    if calibration is None:
        return None
    from fedbragg.screening.drift.monitor import Drift, DriftSettings

    return Drift(calibration, DriftSettings(fail_safe=screening.fail_safe), tell=screening.warn)
