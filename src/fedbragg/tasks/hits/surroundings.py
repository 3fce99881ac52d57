"""Fixed measures of a peak's surroundings over 3 x 3, 5 x 5 and 9 x 9 cells, independent of direction.

A Bragg spot is isolated or among other spots. A powder ring, a streak or the edge of a shadow is a row of peaks with
bright rims. A hot pixel or a zinger has no wings. These measures, the peak's own profile and its context are 64
numbers that do not change under quarter turns and mirror images. They are not trained: the network, which travels in a
federation, only learns their weights.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare import CHANNELS, CONTEXT, PROFILE
from fedbragg.tasks.hits.prepare.reach import MIDDLE, REACHES, WINDOW
from fedbragg.types import View

LEAST = 4.0
"""Standard deviations above which a cell's peak counts in the surroundings of another."""
AVERAGED = 9
"""Maps averaged over each reach: core, wings, rim, masked, a peak, a bright rim, a dark rim, single, a peak's rim."""
HIGHEST = 3
"""Of these the first are also taken at their highest."""
AROUND = len(CHANNELS) + len(REACHES) * (AVERAGED + HIGHEST) + 2
MEASURES = AROUND + len(PROFILE) + len(CONTEXT)
"""Numbers of a peak, in order: its channels; for each reach the averages and the highest; the highest and the lowest
mean significance along four lines through the peak; profile; context."""

CORE_OF_PEAK = math.log1p(LEAST)
LINES = 4  # along the row, the column and both diagonals
CELLS_OF_RING = (9, 16, 56)
"""Cells within each reach and beyond the one before."""


def measures_of(view: View) -> NDArray[np.float32]:
    """Return the measures (peaks, 64) of a View; cells beyond the frame count as masked."""
    measures = np.zeros((len(view.cells), MEASURES), np.float32)
    _measure_all(read_only(view.channels), read_only(view.cells), measures)
    # A model that knew no context has weight 0 for it.
    measures[:, AROUND : AROUND + view.profiles.shape[1]] = view.profiles
    return measures


@njit(cache=True, nogil=True)
def _measure_all(
    channels: NDArray[np.float32], cells: NDArray[np.int64], measures: NDArray[np.float32]
) -> None:
    total, most, line = np.empty((3, AVERAGED)), np.empty((3, HIGHEST)), np.empty(LINES)
    without = np.empty(3, np.int64)
    for peak in range(cells.shape[0]):
        row, col = cells[peak]
        total[:, :] = 0.0
        line[:] = 0.0
        _add_masked(channels, row, col, total)
        _add_peaks(channels, row, col, (total, most, line, without))
        for kind in range(len(CHANNELS)):
            measures[peak, kind] = channels[kind, row, col]
        _write(total, most, line, measures, peak)


Sums = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


@njit(cache=True, nogil=True, inline="always")
def _ring(i: int, j: int) -> int:
    """Return which reach a cell is within, but beyond the one before."""
    away = max(abs(i), abs(j))
    return 0 if away <= REACHES[0] else (1 if away <= REACHES[1] else 2)


@njit(cache=True, nogil=True)
def _add_masked(channels: NDArray[np.float32], row: int, col: int, total: NDArray[np.float64]) -> None:
    """Add up the masked shares of the cells around a peak, by ring."""
    rows, cols = channels.shape[1], channels.shape[2]
    for i in range(-MIDDLE, MIDDLE + 1):
        for j in range(-MIDDLE, MIDDLE + 1):
            inside = 0 <= row + i < rows and 0 <= col + j < cols
            total[_ring(i, j), 3] += channels[3, row + i, col + j] if inside else 1.0


@njit(cache=True, nogil=True)
def _add_peaks(channels: NDArray[np.float32], row: int, col: int, sums: Sums) -> None:
    """Add up the peaks around a peak; a cell without a core has no peak, so neither wings nor a rim.

    ``sums`` are the totals (3, 9) and the highest (3, 3) of the ring within each reach and beyond the one before, then
    the core's total along each line (4,), and working memory (3,).
    """
    total, most, line, without = sums
    rows, cols = channels.shape[1], channels.shape[2]
    most[:, :] = -np.inf
    for ring in range(3):
        without[ring] = CELLS_OF_RING[ring]
    for y in range(max(row - MIDDLE, 0), min(row + MIDDLE + 1, rows)):
        for x in range(max(col - MIDDLE, 0), min(col + MIDDLE + 1, cols)):
            core = channels[0, y, x]
            if core == 0:
                continue
            i, j = y - row, x - col
            ring = _ring(i, j)
            without[ring] -= 1
            _add_peak(core, channels[1, y, x], channels[2, y, x], ring, total, most)
            line[0] += core * (i == 0)
            line[1] += core * (j == 0)
            line[2] += core * (i == j)
            line[3] += core * (i == -j)
    for ring in range(3):
        for kind in range(HIGHEST):
            if without[ring]:
                most[ring, kind] = max(most[ring, kind], 0.0)


@njit(cache=True, nogil=True, inline="always")
def _add_peak(
    core: float, wings: float, rim: float, ring: int, total: NDArray[np.float64], most: NDArray[np.float64]
) -> None:
    most[ring, 0] = max(most[ring, 0], core)
    most[ring, 1] = max(most[ring, 1], wings)
    most[ring, 2] = max(most[ring, 2], rim)
    total[ring, 0] += core
    total[ring, 1] += wings
    total[ring, 2] += rim
    total[ring, 5] += rim > 1
    total[ring, 6] += rim < -1
    if core > CORE_OF_PEAK:
        total[ring, 4] += 1
        total[ring, 7] += max(core - wings, 0.0)  # one pixel alone: a zinger
        total[ring, 8] += max(rim, 0.0)


@njit(cache=True, nogil=True)
def _write(
    total: NDArray[np.float64],
    most: NDArray[np.float64],
    line: NDArray[np.float64],
    measures: NDArray[np.float32],
    peak: int,
) -> None:
    """Write what the surroundings of a peak add up to, from the smallest reach to the largest."""
    place = len(CHANNELS)
    for reach in range(3):
        number = (2 * REACHES[reach] + 1) ** 2
        for kind in range(AVERAGED):
            total[reach, kind] += total[reach - 1, kind] if reach else 0.0
            measures[peak, place + kind] = total[reach, kind] / number
        for kind in range(HIGHEST):
            most[reach, kind] = max(most[reach, kind], most[reach - 1, kind]) if reach else most[reach, kind]
            measures[peak, place + AVERAGED + kind] = most[reach, kind]
        place += AVERAGED + HIGHEST
    measures[peak, place] = max(line[0], line[1], line[2], line[3]) / WINDOW
    measures[peak, place + 1] = min(line[0], line[1], line[2], line[3]) / WINDOW
