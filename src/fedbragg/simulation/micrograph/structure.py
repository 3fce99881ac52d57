"""The true structure of a micrograph: its grains, their boundaries, and the particles on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = ("matrix", "boundary", "precipitate")
"""The classes of pixels, by index."""
MATRIX, BOUNDARY, PRECIPITATE = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Grains and particles; both wrap around the edges."""

    grains: NDArray[np.int32]  # (rows, cols) number of the grain, from 0
    particles: NDArray[np.int32]  # (rows, cols) 0 in the matrix, else number of the particle, from 1

    @property
    def boundaries(self) -> NDArray[np.bool_]:
        """Return whether a pixel touches another grain, (rows, cols): lines two pixels wide."""
        touching = np.zeros(self.grains.shape, bool)
        for axis in (0, 1):
            across = self.grains != np.roll(self.grains, -1, axis)
            touching |= across | np.roll(across, 1, axis)
        return touching

    @property
    def classes(self) -> NDArray[np.uint8]:
        """Return the class index of every pixel (rows, cols); a particle hides the boundary below it."""
        classes = np.where(self.boundaries, BOUNDARY, MATRIX)
        return np.where(self.particles > 0, PRECIPITATE, classes).astype(np.uint8)


def single_grain(shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return the grains of a picture (rows, cols) that lies within one."""
    return np.zeros(shape, np.int32)
