"""Judging the frames of a run: order, bounded memory, and nothing lost."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fedbragg.images.frame_requests import RESULTS_PER_THREAD
from fedbragg.screening.judge import FrameScorer, Judge, Score, judge_frames
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.testing import FakeRun
from fedbragg.types import Frame, Unreadable, Verdict, View


def even_frame(index: int, level: int, edge: int = 32) -> Frame:
    counts = np.full((edge, edge), level, np.uint16)
    return Frame(counts, np.zeros(counts.shape, np.bool_), "made.h5", index)


class WatchedFrames:
    """Makes frames when they are read, and counts how many of their counts are alive at once."""

    def __init__(self, make: Callable[[int], Frame | Unreadable]) -> None:
        self.make = make
        self.alive: set[int] = set()
        self.most = self.made = 0

    def __call__(self, index: int) -> Frame | Unreadable:
        frame = self.make(index)
        self.made += 1
        if isinstance(frame, Frame):
            self.alive.add(index)
            weakref.finalize(frame.counts, self.alive.discard, index)
            self.most = max(self.most, len(self.alive))
        return frame


def level_of(view: View) -> tuple[float, NDArray[np.float32]]:
    """Score a frame by its background, a hundredth a count; brighter frames take longer."""
    level = float(view.background.mean())
    time.sleep(level / 5000)
    return level / 100, view.channels[0]


def judge_by(score: Score, threshold: float) -> Judge:
    return Judge(FrameScorer(score, PrepareSettings()), threshold)


def judged(run: FakeRun, threads: int, threshold: float = 0.5) -> list[Verdict]:
    return list(judge_frames(run, judge_by(level_of, threshold), threads))


def noisy(index: int) -> Frame:
    """A frame whose level differs from its neighbours', so that they take different times."""
    level = (index * 37) % 100
    counts = np.random.default_rng(index).poisson(level, (160, 160)).astype(np.uint16)
    return Frame(counts, np.zeros(counts.shape, np.bool_), "made.h5", index)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_verdicts_come_in_the_frames_order(threads: int) -> None:
    verdicts = judged(FakeRun(60, noisy), threads)
    assert [verdict.index for verdict in verdicts] == list(range(60))
    for verdict in verdicts:
        assert verdict.score == pytest.approx((verdict.index * 37) % 100 / 100, abs=0.05)
        assert verdict.keep == (verdict.score >= 0.5)


def test_the_number_of_threads_changes_no_verdict() -> None:
    assert judged(FakeRun(40, noisy), 1) == judged(FakeRun(40, noisy), 5)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("first_is_slow", [True, False])
def test_frames_alive_are_bounded(threads: int, first_is_slow: bool) -> None:
    """However long the run, and even while the first frame delays all others."""

    def score(view: View) -> tuple[float, NDArray[np.float32]]:
        level = view.background.max()
        time.sleep(0.1 if first_is_slow and level > 5 else 0.0)
        return 0.1, view.channels[0]

    frames = WatchedFrames(lambda index: even_frame(index, 9 if index == 0 else 0))
    run = FakeRun(80, frames)
    assert len(list(judge_frames(run, judge_by(score, 0.5), threads))) == 80
    assert frames.most <= threads + 1  # and the one that is being handed over


def test_a_slow_consumer_does_not_make_frames_pile_up() -> None:
    """Two threads hold at most two frames, and at most eight results a thread wait for the consumer."""
    frames = WatchedFrames(lambda index: even_frame(index, 0))
    ahead = []
    for verdict in judge_frames(FakeRun(60, frames), judge_by(level_of, 0.5), 2):
        time.sleep(0.002)
        assert len(frames.alive) <= 2
        ahead.append(frames.made - verdict.index - 1)
    assert len(ahead) == 60
    assert 2 < max(ahead) <= 2 * RESULTS_PER_THREAD


def test_an_unreadable_frame_is_kept_and_the_run_goes_on() -> None:
    def make(index: int) -> Frame | Unreadable:
        broken = index in (0, 5, 6, 19)
        return Unreadable("made.h5", index, f"chunk {index} is gone") if broken else even_frame(index, 10)

    verdicts = judged(FakeRun(20, make), 3)
    assert [verdict.index for verdict in verdicts] == list(range(20))
    unreadable = [verdict for verdict in verdicts if verdict.score is None]
    assert [(v.index, v.keep, v.reason) for v in unreadable] == [
        (index, True, f"chunk {index} is gone") for index in (0, 5, 6, 19)
    ]
    assert all(not verdict.keep and verdict.reason == "" for verdict in verdicts if verdict.score is not None)


def test_a_frame_that_cannot_be_scored_is_kept() -> None:
    run = FakeRun(3, lambda index: even_frame(index, 10, edge=16 if index == 1 else 32))
    verdicts = judged(run, 2)
    assert [verdict.keep for verdict in verdicts] == [False, True, False]
    assert verdicts[1].score is None
    assert "too small to score" in verdicts[1].reason


def constant(value: float) -> Score:
    return lambda view: (value, view.channels[0])


def test_a_score_at_the_threshold_is_kept() -> None:
    assert judge_by(constant(0.37), 0.37)(even_frame(0, 10)).keep


def test_the_decision_is_made_before_the_score_is_rounded() -> None:
    """Calibration needs every digit of a score, and so does the decision; verdict and table have six decimals."""
    judge = judge_by(constant(0.4999996), 0.5)
    assert judge.scorer(even_frame(0, 10)).score == 0.4999996
    verdict = judge(even_frame(0, 10))
    assert (verdict.score, verdict.keep) == (0.5, False)


def test_a_verdict_names_its_frame_as_the_file_does() -> None:
    judge, frame = judge_by(constant(0.9), 0.5), even_frame(3, 10)
    named = replace(frame, event="data_000002//1")
    assert judge(named).event == "data_000002//1"
    assert judge(replace(named, counts=frame.counts[:16, :16])).event == "data_000002//1"  # too small
    assert judge(Unreadable("made.h5", 3, "gone", "//3")).event == "//3"


def test_an_empty_run_has_no_verdicts() -> None:
    assert judged(FakeRun(0, noisy), 2) == []


def test_a_consumer_that_stops_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    verdicts = judge_frames(FakeRun(1000, noisy), judge_by(level_of, 0.5), 3)
    assert next(verdicts).index == 0
    verdicts.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_bug_is_not_hidden() -> None:
    def broken(view: View) -> tuple[float, NDArray[np.float32]]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(judge_frames(FakeRun(5, noisy), judge_by(broken, 0.5), 2))
