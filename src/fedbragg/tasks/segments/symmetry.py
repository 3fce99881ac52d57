"""Find the turns and mirror images of a micrograph that could be pictures of such a specimen too.

Grains and particles of a bulk look alike from all sides. A section through layers is always mounted the same way: its
surface is at the top, layers lie across, and a crack runs down where a pore lies flat. Turned by a quarter, it would
teach that cracks are pores.
"""

from __future__ import annotations

import math
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.segments.data import UNKNOWN

DIRECTED = 1.5
"""A class has a direction if its outline has this many times more steps one way than the other."""
FEWEST_STEPS = 200
"""Fewest steps of a class's outline, both ways together; with fewer, chance alone gives it a direction."""


class Symmetry(Enum):
    """The turns and mirror images allowed for a picture."""

    ALL = "quarter turns and mirror images"
    LEFT_RIGHT = "left and right may change places"
    UP_DOWN = "top and bottom may change places"


def symmetry_of(labels: NDArray[np.uint8], classes: int) -> Symmetry:
    """Return the symmetry of a picture's labels (rows, cols); without a direction it is ALL.

    The layers lie along the rows where neighbours differ more often down the columns.
    """
    known = labels != UNKNOWN
    steps = np.array([_steps(labels == k, known) for k in range(classes)])  # (classes, 2) down, along
    outlined = steps[steps.sum(axis=1) >= FEWEST_STEPS] + 1
    ratios = np.abs(np.log(outlined[:, 0] / outlined[:, 1]))
    if not (ratios > math.log(DIRECTED)).any():
        return Symmetry.ALL
    down, along = outlined.sum(axis=0)
    return Symmetry.LEFT_RIGHT if down > along else Symmetry.UP_DOWN


def _steps(inside: NDArray[np.bool_], known: NDArray[np.bool_]) -> tuple[int, int]:
    """Return how often neighbours down the columns and along the rows differ in being of a class."""
    down = (inside[1:] != inside[:-1]) & known[1:] & known[:-1]
    along = (inside[:, 1:] != inside[:, :-1]) & known[:, 1:] & known[:, :-1]
    return int(np.count_nonzero(down)), int(np.count_nonzero(along))
