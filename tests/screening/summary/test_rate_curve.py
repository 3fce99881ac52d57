"""A rate along a run of any length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.screening.summary.rate_curve import FIRST_WIDTH, MOST_STEPS, RateCurve


def curve_of(kept: list[bool]) -> RateCurve:
    curve = RateCurve()
    for keep in kept:
        curve.add(keep)
    return curve


def test_a_curve_by_hand() -> None:
    curve = curve_of([True] * 10 + [False] * 5 + [True] * 5 + [False, False, True])
    assert curve.points() == [(10.0, 1.0), (20.0, 0.5), (23.0, pytest.approx(1 / 3))]


def test_one_frame_and_none() -> None:
    assert curve_of([]).points() == []
    assert curve_of([True]).points() == [(1.0, 1.0)]


@given(st.integers(0, 6000), st.integers(2, 97))
def test_every_frame_is_counted_in_a_run_of_any_length(frames: int, every: int) -> None:
    kept = [index % every == 0 for index in range(frames)]
    curve = curve_of(kept)
    points = curve.points()
    assert sum(curve.counts) == sum(kept)
    assert curve.frames == frames
    assert len(points) <= MOST_STEPS
    ends = [int(end) for end, _ in points]
    assert ends == [*range(curve.width, frames, curve.width), frames][: len(ends)] if frames else ends == []
    for start, (end, share) in zip([0, *ends], points, strict=False):
        assert share == pytest.approx(np.mean(kept[start : int(end)]))


def test_a_million_frames_take_as_many_steps_as_a_thousand() -> None:
    curve = RateCurve(width=FIRST_WIDTH)
    for index in range(1_000_000):
        curve.add(index < 250_000)
    assert MOST_STEPS / 2 <= len(curve.counts) <= MOST_STEPS
    shares = np.array([share for _, share in curve.points()])
    ends = np.array([end for end, _ in curve.points()])
    assert (shares[ends <= 250_000] == 1).all()
    assert (shares[ends > 250_000 + curve.width] == 0).all()
