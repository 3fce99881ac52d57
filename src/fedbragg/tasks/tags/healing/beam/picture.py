"""A scattering image in coarse cells, for the search of the beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = -2.0, 4.0
"""Usual deviations from the median beyond which values are cut: shadows and the direct beam must not decide."""
CUT = 1.0
"""Usual deviations from a mean at which a cell's error is cut: it lies in a shadow or in a spot."""
COVERED = 0.3
"""Share of a cell's pixels that must be measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Brightness on cells."""

    values: NDArray[
        np.float32
    ]  # (rows, cols) ln(1 + mean counts) from its median, in usual deviations; 0 unmeasured
    measured: NDArray[np.bool_]  # (rows, cols)
    cell: int  # pixels along a cell's edge
    variance: float  # mean square from the mean over measured cells, each cut at CUT

    def to_pixels(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a place (column, row) given in cells in pixels; whole numbers are the middles of both."""
        return (place + 0.5) * self.cell - 0.5

    def to_cells(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a place (column, row) given in pixels in cells."""
        return (place + 0.5) / self.cell - 0.5


def picture(counts: NDArray[np.float32], measured: NDArray[np.bool_], cell: int) -> Picture:
    """Average an image (rows, cols) over cells of ``cell`` x ``cell`` pixels; incomplete cells are left out."""
    number = _sums(measured, cell)
    mean = _sums(np.where(measured, np.maximum(counts, 0), 0), cell) / np.maximum(number, 1)
    there = number >= COVERED * cell * cell
    there = there if there.any() else number > 0
    values = np.log1p(mean)
    if not there.any():
        return Picture(np.zeros_like(values), there, cell, 0.0)
    middle = np.median(values[there])
    noise = float(np.sqrt((mean / np.maximum(number, 1) / (1 + mean) ** 2)[there].mean()))
    usual = max(1.4826 * float(np.median(np.abs(values[there] - middle))), noise, 1e-3)
    light = np.clip((values - middle) / usual, LOWEST, HIGHEST).astype(np.float32)
    variance = float(np.minimum((light[there] - light[there].mean()) ** 2, CUT**2).mean())
    return Picture(np.where(there, light, np.float32(0)), there, cell, variance)


def _sums(pixels: NDArray[np.generic], cell: int) -> NDArray[np.float32]:
    rows, cols = (size // cell for size in pixels.shape)
    blocks = pixels[: rows * cell, : cols * cell].reshape(rows, cell, cols, cell)
    return np.asarray(blocks.sum(axis=(1, 3), dtype=np.float32))
