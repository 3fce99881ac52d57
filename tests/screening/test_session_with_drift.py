"""Drift in a real screening that is stopped while the run is out of range, and resumed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from example_calibration import ORIGIN, calibration
from example_runs import (
    GEOMETRY,
    PEAK_JUDGE,
    count_peaks,
    counts_of,
    empty_checkpoint,
    gap_mask,
    hits_among,
    interrupt_after,
    number_of_spots,
    nxmx_run,
)
from numpy.typing import NDArray

from fedbragg.images import open_run, write_run
from fedbragg.screening.checkpoint import resume
from fedbragg.screening.drift.monitor import DriftMonitor
from fedbragg.screening.guarantee.calibrate import make_calibration
from fedbragg.screening.guarantee.demand import Demand
from fedbragg.screening.guarantee.labelled_frames import LabelledFrames
from fedbragg.screening.judge import FrameScorer, Judge
from fedbragg.screening.session import Outcome, Session, screen_to_folder
from fedbragg.tasks.hits.calibration_card import Calibration
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.types import View

STEADY, BRIGHT = 150, 250


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    path = tmp_path_factory.mktemp("calibration") / "run.h5"
    frames = range(3000, 3300)
    counts = (counts_of(index, number_of_spots(index)) for index in frames)
    write_run(path, counts, geometry=GEOMETRY, mask=gap_mask())
    scored = list(open_run(path).map(FrameScorer(count_peaks, PrepareSettings()), 2))
    labelled = LabelledFrames(
        score=np.array([frame.score for frame in scored]),
        hit=np.array([number_of_spots(index) > 0 for index in frames]),
        level=np.array([frame.background for frame in scored]),
        group=np.arange(len(frames)),
    )
    return make_calibration(labelled, Demand(max_loss=0.05), ORIGIN)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Steady frames, and then ten times as bright ones."""

    def counts() -> Iterator[NDArray[np.integer]]:
        for index in range(STEADY + BRIGHT):
            made = counts_of(index, number_of_spots(index))
            yield made if index < STEADY else made * np.uint16(10)

    path = tmp_path_factory.mktemp("screening") / "run.h5"
    write_run(path, counts(), geometry=GEOMETRY, mask=gap_mask())
    return path


def screen(
    judge: Judge, drift: DriftMonitor, path: Path, folder: Path, stop_after: int | None = None
) -> Outcome:
    """Start or resume a screening; the process gets a SIGINT after so many frames."""
    run = open_run(path)
    identity = empty_checkpoint(run, [str(path)], spots=judge.scorer.list_spots).identity
    session = Session(folder, 2, resume(folder, identity), drift=drift)
    return screen_to_folder(run, judge, session, interrupt_after(stop_after))


def test_stopped_anywhere_and_resumed_the_table_is_the_same(
    known: Calibration, path: Path, tmp_path: Path
) -> None:
    def score(view: View) -> tuple[float, NDArray[np.float32]]:
        value, spots = count_peaks(view)
        return known.score_map(value), spots

    judge = Judge(FrameScorer(score, PrepareSettings()), known.score_map(known.raw_threshold))
    lines: list[str] = []
    whole = DriftMonitor(known, warn=lines.append)
    screen(judge, whole, path, tmp_path / "whole")
    assert [line.split()[0] for line in lines] == ["DRIFT"]
    assert STEADY <= whole.alarms[0].start < STEADY + 100
    # While steady, in the frames that lead to the alarm, after it, and not at all.
    for stop_after in (50, 110, 90, None):
        again: list[str] = []
        parts = DriftMonitor(known, warn=again.append)
        outcome = screen(judge, parts, path, tmp_path / "parts", stop_after)
    assert outcome.tally.frames == STEADY + BRIGHT
    assert again[0].startswith("DRIFT since frame ")
    for name in ("verdicts.csv", "hits.lst"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert (parts.alarms, parts.kept) == (whole.alarms, whole.kept)
    assert outcome.tally.kept >= BRIGHT


def test_spots_are_listed_of_frames_that_drift_keeps_too(tmp_path: Path) -> None:
    """The calibration is at a hundred counts a pixel, the frames are at two."""
    path, warnings = nxmx_run(tmp_path / "run.h5", 140), {"whole": list[str](), "parts": list[str]()}
    for folder, stop_after in (("whole", None), ("parts", 3), ("parts", 90), ("parts", None)):
        drift = DriftMonitor(calibration(), warn=warnings[folder].append)
        outcome = screen(PEAK_JUDGE, drift, path, tmp_path / folder, stop_after)
        if stop_after is None:
            assert outcome.tally.kept == 140
    for name in ("verdicts.csv", "hits.lst", "spots.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert warnings["whole"][0].startswith("DRIFT")
    assert warnings["parts"][0] == warnings["whole"][0]
    spots = (tmp_path / "whole" / "spots.csv").read_text()
    assert all(f"run.h5,{index}," in spots for index in hits_among(140))
