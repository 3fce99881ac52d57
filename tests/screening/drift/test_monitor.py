"""Drift monitoring: no alarm while nothing changes, an alarm in time when it does, and no frame lost then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from example_calibration import LEVEL, ORIGIN, SPREAD, calibration, labelled_frames
from numpy.typing import NDArray
from scipy.stats import binom

from fedbragg.screening.drift.monitor import REASON, DriftMonitor, DriftSettings
from fedbragg.screening.drift.wording import drift_lines
from fedbragg.screening.guarantee.calibrate import make_calibration
from fedbragg.screening.guarantee.demand import Demand
from fedbragg.tasks.hits.calibration_card import Calibration
from fedbragg.types import Verdict

KEPT_FROM = 0.5


def run_of(
    known: Calibration,
    generator: np.random.Generator,
    frames: int,
    share: float | NDArray[np.float64] = 0.3,
    level: float = LEVEL,
    doubtful: bool = False,
) -> list[Verdict]:
    """Verdicts on frames like the calibration's, but for hit rate and level; doubtful hits score about a half."""
    hit = generator.random(frames) < share
    odds = generator.normal(0, 0.5, frames) if doubtful else generator.normal(3, 1.5, frames)
    odds = np.where(hit, odds, generator.normal(-3, 1, frames))
    levels = level * np.exp(generator.normal(0, SPREAD, frames))
    scores = [known.score_map(score) for score in 1 / (1 + np.exp(-odds))]
    return [
        Verdict("run.h5", index, score, score >= KEPT_FROM, "", float(f"{value:.4g}"))
        for index, (score, value) in enumerate(zip(scores, levels, strict=True))
    ]


def monitored(known: Calibration, verdicts: Sequence[Verdict]) -> tuple[DriftMonitor, list[Verdict]]:
    drift = DriftMonitor(known)
    return drift, [drift.see(verdict) for verdict in verdicts]


@pytest.fixture(scope="module")
def known() -> Calibration:
    return calibration()


@pytest.mark.slow
def test_the_false_alarm_rate_of_five_hundred_steady_runs_is_as_stated() -> None:
    """Runs of 300 to 1,300 frames with changing hit rates, on 50 calibrations."""
    generator = np.random.default_rng(1)
    alarmed = 0
    for number in range(50):
        known = calibration(seed=100 + number)
        for _ in range(10):
            frames = int(generator.integers(300, 1300))
            share = np.clip(np.cumsum(generator.normal(0, 0.02, frames)) + generator.random(), 0, 1)
            alarmed += bool(monitored(known, run_of(known, generator, frames, share))[0].alarms)
    assert alarmed <= binom.ppf(0.9995, 500, 0.01)


@pytest.mark.slow
def test_a_long_steady_run_raises_no_alarm(known: Calibration) -> None:
    drift, verdicts = monitored(known, run_of(known, np.random.default_rng(2), 100_000))
    assert drift.alarms == []
    assert len(verdicts) == 100_000
    assert drift.kept < 0.002 * len(verdicts)  # frames with a background outside the ranges


CHANGES = {
    "gain doubled": ({"level": 2 * LEVEL}, 400),
    "gain halved": ({"level": LEVEL / 2}, 400),
    "beam off": ({"level": 0.02, "share": 0.0}, 60),
    "another detector": ({"level": 0.2}, 60),
    "background of a new sample": ({"level": 4 * LEVEL}, 120),
    "every frame a doubtful one": ({"share": 1.0, "doubtful": True}, 450),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed_within_the_stated_number_of_frames(known: Calibration, change: str) -> None:
    what, within = CHANGES[change]
    for seed in range(5):
        generator = np.random.default_rng([3, seed])
        steady = run_of(known, generator, 3000)
        drift, verdicts = monitored(known, [*steady, *run_of(known, generator, 1000, **what)])
        assert drift.alarms, seed
        start = drift.alarms[0].start
        assert 3000 <= start < 3000 + within
        assert all(verdict.keep for verdict in verdicts[start:])
        assert all(verdict.reason for verdict in verdicts[start:] if verdict.score < KEPT_FROM)


def test_a_change_at_the_very_start_is_noticed(known: Calibration) -> None:
    drift, _ = monitored(known, run_of(known, np.random.default_rng(4), 200, level=0.02))
    assert drift.alarms[0].start == 49  # the first test


def test_a_frame_with_a_background_that_was_never_calibrated_is_kept_at_once(known: Calibration) -> None:
    """Before there are enough of them for an alarm."""
    generator = np.random.default_rng(5)
    strange = run_of(known, generator, 5, share=0.0, level=0.02)
    drift, verdicts = monitored(known, [*run_of(known, generator, 1000, share=0.0), *strange])
    assert drift.alarms == []
    assert all(verdict.keep and verdict.reason.startswith(REASON) for verdict in verdicts[1000:])
    assert "background of 0.0" in verdicts[-1].reason
    assert "never calibrated" in verdicts[-1].reason


def test_without_the_fail_safe_frames_are_dropped_with_a_warning(known: Calibration) -> None:
    generator = np.random.default_rng(6)
    given = [*run_of(known, generator, 1000), *run_of(known, generator, 500, level=0.02)]
    lines: list[str] = []
    drift = DriftMonitor(known, DriftSettings(fail_safe=False), lines.append)
    assert [drift.see(verdict) for verdict in given] == given
    assert len(drift.alarms) == len(lines) == 1
    assert lines[0].startswith("DRIFT at frame ")
    assert "The promise does not hold; frames are still dropped (--no-fail-safe)." in lines[0]
    assert "without a promise" in drift_lines(drift)[-1]


def test_no_line_claims_that_frames_were_dropped_if_their_scores_keep_them_all(known: Calibration) -> None:
    """With the fail-safe on, no frame is kept because of drift alone, and none is dropped either."""
    generator = np.random.default_rng(6)
    given = [*run_of(known, generator, 1000), *run_of(known, generator, 500, level=0.02)]
    drift, verdicts = monitored(known, [replace(verdict, keep=True) for verdict in given])
    assert all(verdict.keep for verdict in verdicts)
    assert drift.kept == 0
    (line,) = drift_lines(drift)
    assert line.startswith(f"frames {drift.alarms[0].start} to the end: ")


def test_frames_are_dropped_again_when_the_run_is_back_in_range(known: Calibration) -> None:
    generator = np.random.default_rng(7)
    parts = [run_of(known, generator, 1000), run_of(known, generator, 600, level=0.02)]
    parts.append(run_of(known, generator, 2000))
    lines: list[str] = []
    drift = DriftMonitor(known, warn=lines.append)
    verdicts = [drift.see(verdict) for part in parts for verdict in part]
    (alarm,) = drift.alarms
    assert alarm.end is not None
    assert 1600 < alarm.end < 1600 + 500  # by then the window has left the strange frames
    assert all(verdict.keep for verdict in verdicts[alarm.start : alarm.end])
    assert not all(verdict.keep for verdict in verdicts[alarm.end :])
    assert [line.split()[0] for line in lines] == ["DRIFT", "frame"]
    first, cost = drift_lines(drift)
    assert first.startswith(f"frames {alarm.start} to {alarm.end - 1}: ")
    assert cost.startswith(f"{drift.kept} frames are kept for no other reason")
    assert drift.kept == sum(verdict.reason != "" for verdict in verdicts)


@pytest.mark.parametrize("cut", [1, 333, 1049, 1300, 2000, 2699])
def test_an_interrupted_run_continues_as_if_it_had_not_been(known: Calibration, cut: int) -> None:
    """The verdicts so far are read from the table."""
    generator = np.random.default_rng(8)
    given = [*run_of(known, generator, 1000), *run_of(known, generator, 700, level=0.02)]
    given += run_of(known, generator, 1000)
    whole, expected = monitored(known, given)
    table = [replace(verdict, score=float(f"{verdict.score:.6f}")) for verdict in expected[:cut]]
    lines: list[str] = []
    drift = DriftMonitor(known, warn=lines.append)
    for verdict in table:
        drift.restore(verdict)
    assert lines == []
    drift.warn_if_alarmed()
    assert len(lines) == drift.alarmed
    assert [drift.see(verdict) for verdict in given[cut:]] == expected[cut:]
    assert (drift.alarms, drift.kept) == (whole.alarms, whole.kept)


def test_unreadable_frames_are_not_tested(known: Calibration) -> None:
    unreadable = [Verdict("run.h5", index, None, True, "gone") for index in range(1000)]
    drift, verdicts = monitored(known, unreadable)
    assert verdicts == unreadable
    assert (drift.position, drift.scored, drift.alarms) == (1000, 0, [])


def test_a_calibration_without_levels_tests_the_scores(known: Calibration) -> None:
    nothing = replace(known.levels.spread, values=(), hits=(), misses=())
    blind = replace(known, levels=replace(known.levels, ranges=(), outside=0.0, spread=nothing))
    generator = np.random.default_rng(9)
    assert not monitored(blind, run_of(known, generator, 1000, level=0.02))[0].alarms
    assert monitored(blind, run_of(known, generator, 1000, 1.0, doubtful=True))[0].alarms


def test_levels_that_vary_as_in_the_calibration_raise_no_alarm() -> None:
    """Scans of 100 frames with one background each: a window holds five of them, never the whole distribution."""
    generator = np.random.default_rng(10)
    frames = labelled_frames(6000, 11)
    scans = np.repeat(np.exp(generator.normal(4, 0.7, 60)), 100)
    wandering = make_calibration(replace(frames, level=scans), Demand(), ORIGIN)
    assert wandering.levels.spread.apart > 30
    alarms = 0
    for _ in range(20):
        given = run_of(wandering, generator, 3000)
        levels = np.repeat(np.exp(generator.normal(4, 0.7, 30).clip(2.8, 5.2)), 100)
        given = [replace(v, background=float(f"{b:.4g}")) for v, b in zip(given, levels, strict=True)]
        alarms += bool(monitored(wandering, given)[0].alarms)
    assert alarms <= 1
