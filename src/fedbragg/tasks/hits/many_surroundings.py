"""The averages and the highest values around each of many peaks, a row of cells at a time.

Where peaks are many their surroundings overlap, and the same cell would be added dozens of times. So the sums of all
windows in a row of cells are made at once: first down the columns, then along the row.

The result is bit for bit what adding up around each peak gives. A float32 has 24 bits, and a sum of 81 has 7 more: in
the 53 bits of a float64 nothing is rounded, whatever the order, unless values differ by a factor of 2^22 or more.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.reach import MIDDLE, REACHES, WINDOW

BRIGHT = 1.0
"""From this rim on, to both sides, a rim is bright or dark."""
MASKED = 3
"""The map that is not 0 beyond the frame."""


@njit(cache=True, nogil=True)
def measure_many(
    channels: NDArray[np.float32],
    cells: NDArray[np.int64],
    strong: float,
    kinds: tuple[int, int],
    around: NDArray[np.float32],
) -> None:
    """Fill ``around`` (peaks, reaches x (averages + highest)); see `surroundings.measures_of`.

    A core above ``strong`` is a peak; ``kinds`` are the numbers of averages and of highest values. Fast where the cells
    (peaks, 2) are in row order.
    """
    averaged, highest = kinds
    cols = channels.shape[2]
    maps = np.empty((averaged, WINDOW, cols + 2 * MIDDLE), np.float32)
    down = np.empty((len(REACHES), cols + 2 * MIDDLE))
    most = np.empty((len(REACHES), cols + 2 * MIDDLE), np.float32)
    sums = np.empty((averaged, len(REACHES), cols))
    tops = np.empty((highest, len(REACHES), cols), np.float32)
    held = np.full(WINDOW, np.int64(-WINDOW))  # the row whose maps are at each place
    summed = np.int64(-1)
    for peak in range(len(cells)):
        row, col = cells[peak]
        if row != summed:
            _make_maps(channels, row, strong, held, maps)
            for kind in range(averaged):
                _add_up(maps[kind], row, down, sums[kind])
            for kind in range(highest):
                _find_highest(maps[kind], row, most, tops[kind])
            summed = row
        place = 0
        for k in range(len(REACHES)):
            pixels = (2 * REACHES[k] + 1) ** 2
            for kind in range(averaged):
                around[peak, place + kind] = sums[kind, k, col] / pixels
            for kind in range(highest):
                around[peak, place + averaged + kind] = tops[kind, k, col]
            place += averaged + highest


@njit(cache=True, nogil=True)
def _make_maps(
    channels: NDArray[np.float32],
    middle: int,
    strong: float,
    held: NDArray[np.int64],
    maps: NDArray[np.float32],
) -> None:
    """Make the maps (kinds, WINDOW, cols) of the rows about one that are not there yet."""
    for row in range(middle - MIDDLE, middle + MIDDLE + 1):
        place = row % WINDOW
        if held[place] != row:
            held[place] = row
            for kind in range(len(maps)):
                for col in range(maps.shape[2]):  # an assignment of slices takes numba a second to compile
                    maps[kind, place, col] = 1 if kind == MASKED else 0
            if 0 <= row < channels.shape[1]:
                _make_map(channels, row, place, strong, maps)


@njit(cache=True, nogil=True)
def _make_map(
    channels: NDArray[np.float32], row: int, place: int, strong: float, maps: NDArray[np.float32]
) -> None:
    """Fill the maps of a row of cells: without a branch, so that it vectorises."""
    none = np.float32(0)
    for col in range(channels.shape[2]):
        at = np.uintp(col + MIDDLE)
        core = channels[0, row, col]
        wing = none if core == 0 else channels[1, row, col]
        rim = none if core == 0 else channels[2, row, col]
        peak = core > strong
        maps[0, place, at], maps[1, place, at], maps[2, place, at] = core, wing, rim
        maps[MASKED, place, at] = channels[3, row, col]
        maps[4, place, at], maps[5, place, at], maps[6, place, at] = peak, rim > BRIGHT, rim < -BRIGHT
        maps[7, place, at] = max(core - wing, none) if peak else none  # one pixel alone: a zinger
        maps[8, place, at] = max(rim, none) if peak else none


@njit(cache=True, nogil=True, inline="always")
def _rows_about(row: int) -> tuple[int, int, int, int, int, int, int, int, int]:
    """Return where the maps of a row are, and of those beside it from the nearest to the farthest."""
    here, one, two, three = row % WINDOW, (row - 1) % WINDOW, (row - 2) % WINDOW, (row - 3) % WINDOW
    beside = (row + 1) % WINDOW, (row + 2) % WINDOW, (row + 3) % WINDOW, (row + 4) % WINDOW
    return here, one, beside[0], two, beside[1], three, beside[2], (row - 4) % WINDOW, beside[3]


# The windows of REACHES are written out: in loops over them, nothing is vectorised.
@njit(cache=True, nogil=True)
def _add_up(
    maps: NDArray[np.float32], row: int, down: NDArray[np.float64], sums: NDArray[np.float64]
) -> None:
    """Fill the sums (reaches, cols) of a map (WINDOW, cols) over the windows about the cells of a row."""
    wide, a, b, c, d, e, f, g, h, i = np.float64, *_rows_about(row)
    for col in range(down.shape[1]):
        down[0, col] = wide(maps[a, col]) + wide(maps[b, col]) + wide(maps[c, col])
    for col in range(down.shape[1]):
        down[1, col] = down[0, col] + wide(maps[d, col]) + wide(maps[e, col])
    for col in range(down.shape[1]):
        outer = wide(maps[f, col]) + wide(maps[g, col]) + wide(maps[h, col]) + wide(maps[i, col])
        down[2, col] = down[1, col] + outer
    three, five, nine = down[0], down[1], down[2]
    for k in range(sums.shape[1]):
        sums[0, k] = three[k + 3] + three[k + 4] + three[k + 5]
    for k in range(sums.shape[1]):
        sums[1, k] = five[k + 2] + five[k + 3] + five[k + 4] + five[k + 5] + five[k + 6]
    for k in range(sums.shape[1]):
        left = nine[k] + nine[k + 1] + nine[k + 2] + nine[k + 3]
        sums[2, k] = left + nine[k + 4] + nine[k + 5] + nine[k + 6] + nine[k + 7] + nine[k + 8]


@njit(cache=True, nogil=True)
def _find_highest(
    maps: NDArray[np.float32], row: int, most: NDArray[np.float32], tops: NDArray[np.float32]
) -> None:
    """Fill the highest values (reaches, cols) of a map (WINDOW, cols) in the windows about the cells of a row."""
    a, b, c, d, e, f, g, h, i = _rows_about(row)
    for col in range(most.shape[1]):
        most[0, col] = max(maps[a, col], max(maps[b, col], maps[c, col]))
    for col in range(most.shape[1]):
        most[1, col] = max(most[0, col], max(maps[d, col], maps[e, col]))
    for col in range(most.shape[1]):
        outer = max(max(maps[f, col], maps[g, col]), max(maps[h, col], maps[i, col]))
        most[2, col] = max(most[1, col], outer)
    three, five, nine = most[0], most[1], most[2]
    for k in range(tops.shape[1]):
        tops[0, k] = max(three[k + 3], max(three[k + 4], three[k + 5]))
    for k in range(tops.shape[1]):
        tops[1, k] = max(max(five[k + 2], five[k + 3]), max(five[k + 4], max(five[k + 5], five[k + 6])))
    for k in range(tops.shape[1]):
        left = max(max(nine[k], nine[k + 1]), max(nine[k + 2], nine[k + 3]))
        right = max(max(nine[k + 4], nine[k + 5]), max(nine[k + 6], max(nine[k + 7], nine[k + 8])))
        tops[2, k] = max(left, right)
