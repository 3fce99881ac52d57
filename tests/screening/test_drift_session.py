"""The watch in a real screening that is stopped while the run is out of range, and resumed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from labelled import ORIGIN
from made_runs import GEOMETRY, begun, count_peaks, counts_of, gap, spots_of
from numpy.typing import NDArray

from fedbragg.images import open_run, write_run
from fedbragg.screening import resume
from fedbragg.screening.drift.monitor import Drift
from fedbragg.screening.engine import Judge, screen
from fedbragg.screening.guarantee.calibrate import Demand, calibrated
from fedbragg.screening.guarantee.frames import Labelled
from fedbragg.screening.session import Outcome, Session, conduct
from fedbragg.tasks.hits.calibration_card import Calibration
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.types import View

STEADY, BRIGHT = 150, 250


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    path = tmp_path_factory.mktemp("calibration") / "run.h5"
    frames = range(3000, 3300)
    write_run(path, (counts_of(index, spots_of(index)) for index in frames), geometry=GEOMETRY, mask=gap())
    verdicts = list(screen(open_run(path), count_peaks, PrepareSettings(), 0.0, 2))
    labelled = Labelled(
        score=np.array([verdict.score for verdict in verdicts]),
        hit=np.array([spots_of(index) > 0 for index in frames]),
        level=np.array([verdict.background for verdict in verdicts]),
        group=np.arange(len(frames)),
    )
    return calibrated(labelled, Demand(max_loss=0.05), ORIGIN)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Steady frames, and then ten times as bright ones."""

    def counts() -> Iterator[NDArray[np.integer]]:
        for index in range(STEADY + BRIGHT):
            made = counts_of(index, spots_of(index))
            yield made if index < STEADY else made * np.uint16(10)

    path = tmp_path_factory.mktemp("screening") / "run.h5"
    write_run(path, counts(), geometry=GEOMETRY, mask=gap())
    return path


def screened(
    known: Calibration, path: Path, folder: Path, stop_after: int = -1
) -> tuple[Drift, Outcome, list[str]]:
    """Begin or resume a screening; the process gets a SIGINT after so many frames."""

    def score(view: View) -> tuple[float, NDArray[np.float32]]:
        value, spots = count_peaks(view)
        return known.score_map(value), spots

    left = [stop_after]

    def tick() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGINT)

    said: list[str] = []
    drift = Drift(known, tell=said.append)
    run = open_run(path)
    start = resume.to_resume(folder, begun(run, [str(path)], spots=False).identity)
    judge = Judge(score, PrepareSettings(), known.score_map(known.raw_threshold))
    return drift, conduct(run, judge, Session(folder, 2, start, drift=drift), tick), said


def test_stopped_anywhere_and_resumed_the_table_is_the_same(
    known: Calibration, path: Path, tmp_path: Path
) -> None:
    whole, _, said = screened(known, path, tmp_path / "whole")
    assert [line.split()[0] for line in said] == ["DRIFT"]
    assert STEADY <= whole.alarms[0].start < STEADY + 100
    for stop in (
        50,
        110,
        90,
        -1,
    ):  # steady, within the frames that led to the alarm or after it, and to the end
        parts, outcome, again = screened(known, path, tmp_path / "parts", stop)
    assert outcome.tally.frames == STEADY + BRIGHT
    assert again[0].startswith("DRIFT since frame ")
    for name in ("verdicts.csv", "hits.lst"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert (parts.alarms, parts.kept) == (whole.alarms, whole.kept)
    assert outcome.tally.kept >= BRIGHT
