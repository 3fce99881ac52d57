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
from fedbragg.tasks.hits.many_surroundings import measure_many
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

MANY = 1 / 16
"""Peaks a cell from which it is faster to measure the surroundings a row of cells at a time."""
CORE_OF_PEAK = math.log1p(LEAST)


def measures_of(view: View) -> NDArray[np.float32]:
    """Return the measures (peaks, 64) of a View; cells beyond the frame count as masked."""
    measures = np.zeros((len(view.cells), MEASURES), np.float32)
    channels, cells = read_only(view.channels), read_only(view.cells)
    around = measures[:, len(CHANNELS) : AROUND - 2]
    if len(cells) > MANY * channels[0].size:
        measure_many(channels, cells, CORE_OF_PEAK, (AVERAGED, HIGHEST), around)
    else:
        measure_few(channels, cells, around)
    _add_channels_and_lines(channels, cells, measures)
    # A model that knew no context has weight 0 for it.
    measures[:, AROUND : AROUND + view.profiles.shape[1]] = view.profiles
    return measures


@njit(cache=True, nogil=True)
def measure_few(channels: NDArray[np.float32], cells: NDArray[np.int64], around: NDArray[np.float32]) -> None:
    """Fill the averages and the highest values (peaks, 36), peak by peak."""
    total = np.empty(AVERAGED + HIGHEST)
    for peak in range(cells.shape[0]):
        # A plain -1 is a type of its own to numba, which then compiles the loop twice.
        place, inner = 0, int(np.int64(-1))
        for kind in range(total.size):  # an assignment of slices takes numba a second to compile
            total[kind] = 0.0 if kind < AVERAGED else -np.inf
        for outer in REACHES:
            _add_ring(channels, (cells[peak, 0], cells[peak, 1]), inner, outer, total)
            for kind in range(AVERAGED):
                around[peak, place + kind] = total[kind] / (2 * outer + 1) ** 2
            for kind in range(AVERAGED, AVERAGED + HIGHEST):
                around[peak, place + kind] = total[kind]
            place, inner = place + AVERAGED + HIGHEST, outer


@njit(cache=True, nogil=True)
def _add_channels_and_lines(
    channels: NDArray[np.float32], cells: NDArray[np.int64], measures: NDArray[np.float32]
) -> None:
    for peak in range(cells.shape[0]):
        row, col = cells[peak]
        for kind in range(len(CHANNELS)):
            measures[peak, kind] = channels[kind, row, col]
        measures[peak, AROUND - 2], measures[peak, AROUND - 1] = _lines(channels[0], row, col)


@njit(cache=True, nogil=True)
def _add_ring(
    channels: NDArray[np.float32], at: tuple[int, int], inner: int, outer: int, total: NDArray[np.float64]
) -> None:
    """Add the cells within ``outer`` cells of one, but beyond ``inner``, to its sums (9,) and highest values (3,).

    A cell without a core has no peak, so neither wings nor a rim.
    """
    rows, cols = channels.shape[1], channels.shape[2]
    cores, wings, rims, masked, peaks, bright, dark, single, lit = 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0, 0.0
    most_core, most_wings, most_rim, number = -np.inf, -np.inf, -np.inf, 0
    for y in range(at[0] - outer, at[0] + outer + 1):
        for x in range(at[1] - outer, at[1] + outer + 1):
            if abs(y - at[0]) <= inner and abs(x - at[1]) <= inner:
                continue
            if y < 0 or x < 0 or y >= rows or x >= cols:
                masked += 1.0
                continue
            masked += channels[3, y, x]
            core = channels[0, y, x]
            if core == 0:
                continue
            wing, rim = channels[1, y, x], channels[2, y, x]
            number += 1
            cores, wings, rims = cores + core, wings + wing, rims + rim
            most_core, most_wings, most_rim = max(most_core, core), max(most_wings, wing), max(most_rim, rim)
            bright += rim > 1
            dark += rim < -1
            if core > CORE_OF_PEAK:
                peaks += 1
                single += max(core - wing, np.float32(0))  # one pixel alone: a zinger
                lit += max(rim, np.float32(0))
    if number < (2 * outer + 1) ** 2 - (2 * inner + 1) ** 2 * (
        inner >= 0
    ):  # a cell without a peak holds zeros
        most_core, most_wings, most_rim = max(most_core, 0.0), max(most_wings, 0.0), max(most_rim, 0.0)
    found = (cores, wings, rims, masked, float(peaks), float(bright), float(dark), single, lit)
    for kind in range(AVERAGED):
        total[kind] += found[kind]
    highest = (most_core, most_wings, most_rim)
    for kind in range(HIGHEST):
        total[AVERAGED + kind] = max(total[AVERAGED + kind], highest[kind])


@njit(cache=True, nogil=True)
def _lines(core: NDArray[np.float32], row: int, col: int) -> tuple[float, float]:
    """Return the highest and the lowest mean of the core along row, column and both diagonals through a cell."""
    along, down, falling, rising = 0.0, 0.0, 0.0, 0.0
    rows, cols = core.shape
    for k in range(-MIDDLE, MIDDLE + 1):
        inside, below = 0 <= col + k < cols, 0 <= row + k < rows
        along += core[row, col + k] if inside else 0.0
        down += core[row + k, col] if below else 0.0
        falling += core[row + k, col + k] if inside and below else 0.0
        rising += core[row - k, col + k] if inside and 0 <= row - k < rows else 0.0
    highest = max(max(along, down), max(falling, rising))
    return highest / WINDOW, min(min(along, down), min(falling, rising)) / WINDOW
