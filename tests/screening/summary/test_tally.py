"""Counts, rates and notable frames of a screening."""

from __future__ import annotations

import math

import pytest

from fedbragg.screening.summary.tally import Tally
from fedbragg.types import Verdict

SCORES = [0.9, None, 0.1, 0.55, 0.0, None, 0.48, 1.0, None, None]


def tallied(scores: list[float | None] = SCORES) -> Tally:
    tally = Tally(0.5)
    verdicts = [
        Verdict("r.h5", index, score, score is None or score >= 0.5, "" if score is not None else "gone")
        for index, score in enumerate(scores)
    ]
    for verdict in verdicts:
        tally.add(verdict)
    return tally


def test_numbers_add_up() -> None:
    tally = tallied()
    assert (tally.frames, tally.kept, tally.unreadable) == (10, 7, 4)
    assert tally.hit_rate == pytest.approx(3 / 6)  # of the frames that were scored
    assert tally.reasons == ["r.h5 frame 1: gone", "r.h5 frame 5: gone", "r.h5 frame 8: gone"]


def test_the_notable_frames() -> None:
    tally = tallied()
    assert tally.best(2) == [7, 0]
    assert tally.dropped(2) == [4, 2]
    assert tally.doubtful(3) == [6, 3, 0]
    assert tally.best(100) == [7, 0, 3]  # kept, and never one without a score
    assert tally.dropped(100) == [4, 2, 6]
    assert tally.doubtful(100) == [6, 3, 0, 2, 4, 7]


def test_without_scores_there_is_no_rate() -> None:
    assert math.isnan(tallied([None, None]).hit_rate)
    assert math.isnan(tallied([]).hit_rate)
    assert tallied([None]).best(3) == []
