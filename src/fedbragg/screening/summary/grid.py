"""A grid scan: which frame was taken where."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError
from fedbragg.types import Verdict

SHAPE = re.compile(r"([1-9]\d{0,5})[xX×]([1-9]\d{0,5})")


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of points, scanned from the top left along each row."""

    rows: int
    cols: int
    snake: bool = False  # every second row is scanned from right to left

    def point(self, position: int) -> tuple[int, int]:
        """Return row and column of a frame by its position in the run."""
        row, col = divmod(position, self.cols)
        return row, self.cols - 1 - col if self.snake and row % 2 else col


class GridScores:
    """Score, number of spots and resolution (angstrom) at each point of a grid; NaN where there is none."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.scores, self.spots, self.resolution = (_unknown(grid) for _ in range(3))

    def add(self, position: int, verdict: Verdict) -> None:
        """Store what is known of a frame by its position in the run."""
        point = self.grid.point(position)
        for plane, value in (
            (self.scores, verdict.score),
            (self.spots, verdict.spot_count),
            (self.resolution, verdict.resolution),
        ):
            if value is not None:
                plane[point] = value


def _unknown(grid: Grid) -> NDArray[np.float32]:
    return np.full((grid.rows, grid.cols), np.nan, np.float32)


def grid_of(text: str | None, *, snake: bool) -> Grid | None:
    """Read ``ROWSxCOLS``; raise ConfigError where it is malformed, or ``snake`` is without a grid."""
    if text is None:
        if snake:
            raise ConfigError("--snake says how a grid was scanned. Give --grid ROWSxCOLS too.")
        return None
    found = SHAPE.fullmatch(text.strip())
    if not found:
        raise ConfigError(f"--grid {text}: not ROWSxCOLS. Give for example 10x20: 10 rows of 20 frames.")
    return Grid(int(found[1]), int(found[2]), snake)


def read_grid(text: str | None, *, snake: bool, frames: int) -> Grid | None:
    """Read ``ROWSxCOLS`` for a run of so many frames; raise ConfigError where it is malformed or does not fit."""
    grid = grid_of(text, snake=snake)
    if grid is not None and grid.rows * grid.cols != frames:
        raise ConfigError(
            f"--grid {text}: {grid.rows} x {grid.cols} is {grid.rows * grid.cols}, but the run has {frames} frames. "
            "Give rows and columns whose product is the number of frames."
        )
    return grid
