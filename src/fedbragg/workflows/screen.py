"""Screen a run into a folder of verdicts, files of hits and a report, or screen it in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.progress import SILENT, Progress, Step
from fedbragg.types import Geometry, Verdict

if TYPE_CHECKING:
    from fedbragg.screening.checkpoint import Identity
    from fedbragg.screening.drift.monitor import DriftMonitor
    from fedbragg.screening.judge import Judge
    from fedbragg.screening.outputs.requested import Outputs
    from fedbragg.screening.session import Outcome, Session
    from fedbragg.screening.summary.grid import Grid
    from fedbragg.tasks.hits.predictor import HitPredictor
    from fedbragg.types import Run

REPORT = "report.html"


def _silent(line: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Screening:
    """The settings of one screening."""

    predictor: HitPredictor
    threshold: float
    out: Path  # folder of the results
    threads: int
    outputs: Outputs  # as the user asked: relative names lie in ``out``
    grid: str | None = None  # ROWSxCOLS
    snake: bool = False
    fail_safe: bool = True  # keep everything while the run is unlike the calibration
    warn: Callable[[str], None] = _silent  # called with one line when drift begins or ends
    panels: bool = False  # the images of a file are the panels of one frame
    geometry: Path | None = None  # CrystFEL geometry file

    @property
    def files(self) -> Outputs:
        """Return the files that are written beside the tables."""
        return self.outputs.within(self.out)

    @property
    def list_spots(self) -> bool:
        """Return whether the hits' spots are listed."""
        return self.outputs.cxi is not None


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A run that can be screened as asked."""

    run: Run
    grid: Grid | None
    identity: Identity  # of the whole screening


def open_checked(paths: Sequence[str], screening: Screening) -> Opened:
    """Open the run and check, before any work, that every option can be carried out; raise FedbraggError."""
    from fedbragg.errors import ConfigError, RunError
    from fedbragg.images.open import open_files
    from fedbragg.images.paths import expand
    from fedbragg.screening.summary.grid import read_grid

    files = expand(paths)
    screening.files.check(files)
    if screening.panels and (screening.outputs.nxmx or screening.outputs.cxi):
        raise ConfigError(
            "--panels: frames of panels are not written as NXmx or CXI. Leave out --nxmx and --cxi."
        )
    reduce = screening.predictor.reduce
    run = open_files(files, panels=screening.panels, geometry=screening.geometry, reduce=reduce)
    if len(run) == 0:
        raise RunError(f"{paths[0]}: no file given holds a frame. Check that its writer got any.")
    grid = read_grid(screening.grid, snake=screening.snake, frames=len(run))
    return Opened(run, grid, _identity(files, run, screening))


def begin(paths: Sequence[str], screening: Screening, *, resume: bool) -> tuple[Run, Session]:
    """Open the run and start its screening, or continue it; raise FedbraggError before any work."""
    from fedbragg.screening import checkpoint
    from fedbragg.screening.session import Session

    opened = open_checked(paths, screening)
    start = (checkpoint.resume if resume else checkpoint.start_over)(screening.out, opened.identity)
    drift = drift_monitor(screening.predictor, screening.fail_safe, screening.warn)
    return opened.run, Session(screening.out, screening.threads, start, opened.grid, drift)


def _identity(files: list[str], run: Run, screening: Screening) -> Identity:
    from fedbragg.models.onnx_file import digest
    from fedbragg.screening.checkpoint import Identity, digest_of_files

    return Identity(
        run=digest_of_files(files),
        frames=len(run),
        model=digest(screening.predictor.path),
        threshold=screening.threshold,
        spots=screening.list_spots,
        fail_safe=screening.fail_safe,
        geometry=digest(screening.geometry) if screening.geometry is not None else "",
    )


def screen_run(run: Run, screening: Screening, session: Session, progress: Progress = SILENT) -> Outcome:
    """Screen a run, or the rest of it, into its folder."""
    from fedbragg.screening.session import screen_to_folder

    judge = judge_of(screening.predictor, screening.threshold, run.geometry, list_spots=screening.list_spots)
    step = screening_step(session, progress)
    return with_promise(screen_to_folder(run, judge, session, step), screening, session)


def screening_step(session: Session, progress: Progress) -> Step:
    """Return a callback that counts a screened frame; those done before are counted already."""
    step = progress.stage("Screening", len(session.frames))
    for _ in range(session.start.done):
        step()
    return step


def with_promise(outcome: Outcome, screening: Screening, session: Session) -> Outcome:
    """Return the outcome with the model's guarantee and the drift of the run."""
    from fedbragg.screening.drift.wording import drift_lines
    from fedbragg.screening.guarantee.wording import promise_line

    promise = promise_line(screening.predictor.card, screening.threshold)
    return replace(outcome, promise=promise, drift=drift_lines(session.drift))


def write_outputs(run: Run, screening: Screening) -> list[str]:
    """Write Parquet, NXmx and CXI if asked for; return one line about each."""
    from fedbragg.screening.checkpoint import add_outputs

    add_outputs(screening.out, [*screening.files.paths(), screening.out / REPORT])
    return screening.files.write(screening.out, run)


def write_report(path: Path, outcome: Outcome, run: Run, screening: Screening) -> None:
    """Write the report of one screening; raise InputError where it cannot be written."""
    from fedbragg.errors import InputError
    from fedbragg.report.page import page
    from fedbragg.report.screening import sections

    tally = outcome.tally
    name = screening.predictor.path.name
    lead = f"{tally.frames} frames screened with {name}, threshold {tally.threshold:.3g}."
    if outcome.stopped:
        lead += f" The run has {len(run)} frames: it was stopped; continue it with --resume."
    text = page("Screening report", lead, sections(outcome, run, screening.predictor))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}). Make room, then add --resume."
        ) from None


def judge_of(
    predictor: HitPredictor, threshold: float, geometry: Geometry, *, list_spots: bool = False
) -> Judge:
    """Return the rule that decides which frames are kept, before drift."""
    from fedbragg.screening.judge import FrameScorer, Judge

    scorer = FrameScorer(
        predictor.scorer, predictor.card.prepare, list_spots, geometry, masks=predictor.masks
    )
    return Judge(scorer, threshold)


def drift_monitor(
    predictor: HitPredictor, fail_safe: bool, warn: Callable[[str], None] = _silent
) -> DriftMonitor | None:
    """Return the drift monitor of a run or series; None where the model is not calibrated."""
    calibration = predictor.card.calibration
    if calibration is None:
        return None
    from fedbragg.screening.drift.monitor import DriftMonitor, DriftSettings

    return DriftMonitor(calibration, DriftSettings(fail_safe=fail_safe), warn)


class Screened(Iterator[Verdict]):
    """The verdicts on a run, one a frame and in order, with the model's guarantee and the drift of the run."""

    def __init__(self, verdicts: Iterator[Verdict], promise: str, drift: DriftMonitor | None) -> None:
        self._verdicts, self._drift = verdicts, drift
        self.promise = (
            promise  # in one line: the share of hits that may be lost, or why nothing is guaranteed
        )

    def __next__(self) -> Verdict:
        """Return the next frame's verdict."""
        verdict = next(self._verdicts)
        return verdict if self._drift is None else self._drift.see(verdict)

    @property
    def drift(self) -> tuple[str, ...]:
        """Return a line for each stretch, so far, that was unlike the calibration."""
        from fedbragg.screening.drift.wording import drift_lines

        return drift_lines(self._drift)


def screen_frames(
    run: Run, predictor: HitPredictor, threshold: float | None, *, fail_safe: bool = True, threads: int = 1
) -> Screened:
    """Screen a run without writing anything; the decisions, with drift, are those of a screening into a folder."""
    from fedbragg.screening.guarantee.wording import promise_line
    from fedbragg.screening.judge import judge_frames

    card = predictor.card
    limit = card.threshold if threshold is None else threshold
    verdicts = judge_frames(run, judge_of(predictor, limit, run.geometry), threads)
    return Screened(verdicts, promise_line(card, limit), drift_monitor(predictor, fail_safe))
