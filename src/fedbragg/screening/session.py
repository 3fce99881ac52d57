"""One screening from its beginning, or from where it was left, to its end or to where it is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.screening import resume
from fedbragg.screening.drift.monitor import Drift, replay, watch
from fedbragg.screening.engine import Judge
from fedbragg.screening.outputs.tables import Sink, verdict_files, verdicts_in
from fedbragg.screening.resume import Progress
from fedbragg.screening.stop import Stop
from fedbragg.screening.summary.grid import Grid
from fedbragg.screening.summary.tally import Tally
from fedbragg.types import Run, Verdict

EVERY = 1.0
"""Seconds between two looks at the disk: what a killed process loses at most."""


@dataclass(frozen=True, slots=True)
class Session:
    """Where a screening's results lie and how they are made."""

    folder: Path
    threads: int
    begun: Progress  # where to go on from
    grid: Grid | None = None
    drift: Drift | None = None  # the watch over the run, where the model holds a calibration


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a screening."""

    tally: Tally  # of all frames, those of earlier sessions too
    seconds: float  # spent on them, in all sessions
    stopped: int = 0  # the signal that ended it before its time; 0 is none
    promise: str = ""  # of the model at this threshold, or why there is none
    drift: tuple[str, ...] = ()  # what was unlike the calibration, in lines for people


def conduct(run: Run, judge: Judge, session: Session, tick: Callable[[], object]) -> Outcome:
    """Screen a run; ``tick`` is called for each frame. Raises InputError where results cannot be written.

    Once a second, and when SIGINT or SIGTERM comes, the results are on disk together with how far they go.
    """
    begun, start = session.begun, time.monotonic()
    tally = _tally_of(session, judge.threshold)
    with Stop() as stop, verdict_files(session.folder, spots=judge.mark, sizes=begun.sizes) as files:

        def note() -> None:
            spent = begun.seconds + time.monotonic() - start
            _note(session, Outcome(tally, spent), files)

        note()
        noted = start
        for verdict in tally.watch(_watched(run.map(judge, session.threads, tally.frames), session)):
            _write(files, verdict, session.folder)
            tick()
            if time.monotonic() - noted > EVERY:
                note()
                noted = time.monotonic()
            if stop.signal:
                break
        note()
    stopped = stop.signal if tally.frames < begun.identity.frames else 0
    return Outcome(tally, begun.seconds + time.monotonic() - start, stopped)


def _tally_of(session: Session, threshold: float) -> Tally:
    """Return the tally of what is done already, and bring the watch to where it was."""
    tally = Tally(threshold, session.grid)
    if session.begun.done:
        for verdict in _done(session):
            tally.add(verdict)
        if session.drift is not None:
            replay(_done(session), session.drift)
    return tally


def _done(session: Session) -> Iterator[Verdict]:
    """Return the verdicts of the sessions before, from their table."""
    return islice(verdicts_in(session.folder), session.begun.done)


def _watched(verdicts: Iterator[Verdict], session: Session) -> Iterator[Verdict]:
    return verdicts if session.drift is None else watch(verdicts, session.drift)


def _write(files: Sink, verdict: Verdict, folder: Path) -> None:
    try:
        files.write(verdict)
    except OSError as error:
        raise _full(folder, error) from None


def _note(session: Session, so_far: Outcome, files: Sink) -> None:
    try:
        state = replace(
            session.begun,
            sizes=files.flush(),
            done=so_far.tally.frames,
            seconds=so_far.seconds,
        )
        resume.save(session.folder, state)
    except OSError as error:
        raise _full(session.folder, error) from None


def _full(folder: Path, error: OSError) -> InputError:
    return InputError(f"{folder}: cannot write there ({error.strerror}). Make room, then add --resume.")
