"""Screen a run into a folder, from the start or from a checkpoint, to its end or to where it is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

from fedbragg.errors import InputError
from fedbragg.screening import checkpoint
from fedbragg.screening.checkpoint import Checkpoint
from fedbragg.screening.drift.monitor import DriftMonitor
from fedbragg.screening.judge import Judge, judge_frames
from fedbragg.screening.outputs.tables import verdict_files, verdicts_in
from fedbragg.screening.stop_signal import StopSignal
from fedbragg.screening.summary.grid import Grid
from fedbragg.screening.summary.tally import Tally
from fedbragg.types import Run, Verdict

SECONDS_BETWEEN_CHECKPOINTS = 1.0
"""What a killed process loses at most."""


@dataclass(frozen=True, slots=True)
class Session:
    """Where a screening starts, and where its results go."""

    folder: Path
    threads: int
    start: Checkpoint
    grid: Grid | None = None
    drift: DriftMonitor | None = None  # where the model holds a calibration
    part: range | None = None  # positions in the run of the frames to screen; None is all of them
    remedy: str = "Make room, then add --resume."  # what to do when the disk is full

    @property
    def frames(self) -> range:
        """Return the positions in the run of the frames to screen."""
        return range(self.start.identity.frames) if self.part is None else self.part


class Tables(Protocol):
    """The tables that a screening writes."""

    def write(self, verdict: Verdict) -> None:
        """Add one verdict; it is on disk after the next flush."""
        ...

    def flush(self) -> dict[str, int]:
        """Hand everything to the operating system; return each table's name and size in bytes."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class VerdictStream:
    """Verdicts, and where they go."""

    verdicts: Iterable[Verdict]  # on the frames that are not done
    tables: AbstractContextManager[Tables]
    tally: Tally  # of the frames that are done


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a screening."""

    tally: Tally  # of all frames, those of earlier sessions too
    seconds: float  # spent on them, in all sessions
    stopped: int = 0  # the signal that stopped it before the end of the run; 0 is none
    promise: str = ""  # what the model guarantees at this threshold, or why it guarantees nothing
    drift: tuple[str, ...] = ()  # a line for each stretch that was unlike the calibration


def screen_to_folder(run: Run, judge: Judge, session: Session, step: Callable[[], object]) -> Outcome:
    """Screen a run; ``step`` is called after each frame. Raises InputError where results cannot be written."""
    tally = _restored_tally(session, judge.threshold)
    judged = judge_frames(run, judge, session.threads, tally.frames)
    tables = verdict_files(session.folder, spots=judge.scorer.list_spots, sizes=session.start.sizes)
    return write_verdicts(VerdictStream(judged, tables, tally), session, step)


def write_verdicts(stream: VerdictStream, session: Session, step: Callable[[], object]) -> Outcome:
    """Write and count verdicts to their end, or to SIGINT or SIGTERM; ``step`` is called after each.

    Once a second, and at the end, tables and checkpoint on disk are complete for the frames so far. Raises InputError
    where they cannot be written.
    """
    with StopSignal() as stop, _opened(session, stream.tables, stream.tally) as screening:
        for judged in stream.verdicts:
            screening.add(judged)
            step()
            if stop.number:
                break
    return screening.outcome(stop.number if stream.tally.frames < len(session.frames) else 0)


class OpenScreening:
    """A screening whose verdicts are being written; use `open_screening`."""

    def __init__(self, session: Session, tally: Tally, files: Tables) -> None:
        self.tally = tally
        self._drift, self._writer = session.drift, _Writer(session, files)

    def add(self, judged: Verdict) -> Verdict:
        """Write the next frame's verdict, and return it as drift leaves it."""
        verdict = judged if self._drift is None else self._drift.see(judged)
        self.tally.add(verdict)
        self._writer.write(verdict)
        if self._writer.checkpoint_due:
            self.write_checkpoint()
        return verdict

    def flush(self) -> None:
        """Hand the verdicts to the operating system, so that a killed process does not lose them."""
        self._writer.flush()

    def write_checkpoint(self) -> None:
        """Make tables and checkpoint on disk complete for the frames so far."""
        self._writer.write_checkpoint(self.tally.frames)

    def outcome(self, stopped: int = 0) -> Outcome:
        """Return the result so far."""
        return Outcome(self.tally, self._writer.seconds, stopped)


@contextmanager
def open_screening(session: Session, threshold: float, *, spots: bool = False) -> Iterator[OpenScreening]:
    """Open a screening to add verdicts to it; its checkpoint is complete after the block, but for an error in it."""
    tally = _restored_tally(session, threshold)
    tables = verdict_files(session.folder, spots=spots, sizes=session.start.sizes)
    with _opened(session, tables, tally) as screening:
        yield screening


@contextmanager
def _opened(
    session: Session, opening: AbstractContextManager[Tables], tally: Tally
) -> Iterator[OpenScreening]:
    with opening as tables:
        screening = OpenScreening(session, tally, tables)
        screening.write_checkpoint()
        yield screening
        screening.write_checkpoint()


def _restored_tally(session: Session, threshold: float) -> Tally:
    """Return the tally of the frames that are done, and bring the drift monitor to the same frame."""
    tally = Tally(threshold, session.grid)
    if session.start.done == 0:
        return tally
    for verdict in islice(verdicts_in(session.folder), session.start.done):
        tally.add(verdict)
        if session.drift is not None:
            session.drift.restore(verdict)
    if session.drift is not None:
        session.drift.warn_if_alarmed()
    return tally


class _Writer:
    """Writes verdicts and checkpoints; an error of the disk becomes an InputError."""

    def __init__(self, session: Session, files: Tables) -> None:
        self._session, self._files = session, files
        self._started = self._last_checkpoint = time.monotonic()

    @property
    def seconds(self) -> float:
        """Return the time spent on the run, in all sessions."""
        return self._session.start.seconds + time.monotonic() - self._started

    @property
    def checkpoint_due(self) -> bool:
        """Return whether the last checkpoint is too long ago."""
        return time.monotonic() - self._last_checkpoint > SECONDS_BETWEEN_CHECKPOINTS

    def write(self, verdict: Verdict) -> None:
        """Add a verdict to the tables."""
        try:
            self._files.write(verdict)
        except OSError as error:
            raise self._disk_error(error) from None

    def flush(self) -> None:
        """Flush the tables."""
        try:
            self._files.flush()
        except OSError as error:
            raise self._disk_error(error) from None

    def write_checkpoint(self, frames: int) -> None:
        """Flush the tables, then replace the checkpoint: it never promises more than they hold."""
        try:
            sizes = self._files.flush()
            state = replace(self._session.start, sizes=sizes, done=frames, seconds=self.seconds)
            checkpoint.save(self._session.folder, state)
        except OSError as error:
            raise self._disk_error(error) from None
        self._last_checkpoint = time.monotonic()

    def _disk_error(self, error: OSError) -> InputError:
        session = self._session
        return InputError(f"{session.folder}: cannot write there ({error.strerror}). {session.remedy}")
