"""Grid scans."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.errors import ConfigError
from fedbragg.screening.summary.grid import Grid, GridScores, read_grid
from fedbragg.types import Verdict


def verdict(score: float, spots: int | None = None, resolution: float | None = None) -> Verdict:
    return Verdict("a.h5", 0, score, keep=True, spot_count=spots, resolution=resolution)


def points_of(grid: Grid) -> list[list[int]]:
    """Return which frame was taken where."""
    table = GridScores(grid)
    for position in range(grid.rows * grid.cols):
        table.add(position, verdict(score=position / 100))
    return np.rint(100 * table.scores).astype(int).tolist()


def test_a_grid_by_rows_and_as_a_snake() -> None:
    assert points_of(Grid(3, 4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert points_of(Grid(3, 4, snake=True)) == [[0, 1, 2, 3], [7, 6, 5, 4], [8, 9, 10, 11]]


def test_a_point_without_a_score_is_empty() -> None:
    table = GridScores(Grid(1, 2))
    table.add(1, verdict(score=0.5, spots=12, resolution=2.1))
    for plane, value in ((table.scores, 0.5), (table.spots, 12), (table.resolution, 2.1)):
        assert np.isnan(plane).tolist() == [[True, False]]
        assert plane[0, 1] == pytest.approx(value)


@pytest.mark.parametrize("text", ["10x20", " 10X20 ", "10×20"])
def test_a_grid_is_read(text: str) -> None:
    assert read_grid(text, snake=True, frames=200) == Grid(10, 20, snake=True)


def test_without_a_grid_there_is_none_and_no_snake() -> None:
    assert read_grid(None, snake=False, frames=200) is None
    with pytest.raises(ConfigError, match="Give --grid ROWSxCOLS too"):
        read_grid(None, snake=True, frames=200)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10x21", r"10 x 21 is 210, but the run has 200 frames"),
        ("200", "not ROWSxCOLS"),
        ("0x200", "not ROWSxCOLS"),
        ("-10x-20", "not ROWSxCOLS"),
        ("10x20x1", "not ROWSxCOLS"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_grid(text, snake=False, frames=200)
