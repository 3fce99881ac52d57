"""A grid scan: which frame was taken where."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError

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
    """The score at each point of a grid; NaN where there is none."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.scores: NDArray[np.float32] = np.full((grid.rows, grid.cols), np.nan, np.float32)

    def add(self, position: int, score: float) -> None:
        """Store the score of a frame by its position in the run."""
        self.scores[self.grid.point(position)] = score


def read_grid(text: str | None, *, snake: bool, frames: int) -> Grid | None:
    """Read ``ROWSxCOLS`` for a run of so many frames; raise ConfigError where it is malformed or does not fit."""
    if text is None:
        if snake:
            raise ConfigError("--snake says how a grid was scanned. Give --grid ROWSxCOLS too.")
        return None
    found = SHAPE.fullmatch(text.strip())
    if not found:
        raise ConfigError(f"--grid {text}: not ROWSxCOLS. Give for example 10x20: 10 rows of 20 frames.")
    grid = Grid(int(found[1]), int(found[2]), snake)
    if grid.rows * grid.cols != frames:
        raise ConfigError(
            f"--grid {text}: {grid.rows} x {grid.cols} is {grid.rows * grid.cols}, but the run has {frames} frames. "
            "Give rows and columns whose product is the number of frames."
        )
    return grid
