"""What is kept of a run of any length: the rate along it, its first few frames, its grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.errors import ConfigError
from fedbragg.screening.summary.grid import Grid, GridScores, read_grid
from fedbragg.screening.summary.ranking import CAPACITY, Extremes
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
def test_no_frame_is_lost_however_long_the_run(frames: int, every: int) -> None:
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


@given(st.lists(st.floats(0, 1).map(lambda value: round(value, 2)), max_size=80), st.integers(0, CAPACITY))
def test_extremes_are_those_of_a_sorted_list(values: list[float], number: int) -> None:
    extremes = Extremes()
    for position, value in enumerate(values):
        extremes.add(value, position)
    assert extremes.positions(number) == np.argsort(values, kind="stable")[:number].tolist()


def places_of(grid: Grid) -> list[list[int]]:
    """Return which frame was taken where."""
    table = GridScores(grid)
    for position in range(grid.rows * grid.cols):
        table.add(position, float(position))
    return table.scores.astype(int).tolist()


def test_a_grid_by_rows_and_as_a_snake() -> None:
    assert places_of(Grid(3, 4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert places_of(Grid(3, 4, snake=True)) == [[0, 1, 2, 3], [7, 6, 5, 4], [8, 9, 10, 11]]


def test_a_place_without_a_score_is_empty() -> None:
    table = GridScores(Grid(1, 2))
    table.add(1, 0.5)
    assert np.isnan(table.scores).tolist() == [[True, False]]


@pytest.mark.parametrize("text", ["10x20", " 10X20 ", "10×20"])
def test_a_grid_is_read(text: str) -> None:
    assert read_grid(text, snake=True, frames=200) == Grid(10, 20, snake=True)


def test_no_grid_is_none_and_has_no_snake() -> None:
    assert read_grid(None, snake=False, frames=200) is None
    with pytest.raises(ConfigError, match="Give --grid ROWSxCOLS too"):
        read_grid(None, snake=True, frames=200)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10x21", r"10 x 21 is 210, but the run has 200 frames"),
        ("200", "not ROWSxCOLS"),
        ("0x200", "not ROWSxCOLS"),
        ("-10x-20", "not ROWSxCOLS"),
        ("10x20x1", "not ROWSxCOLS"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_grid(text, snake=False, frames=200)
