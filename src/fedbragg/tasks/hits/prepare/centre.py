"""Estimate where the beam hits the detector from the light between the spots.

Rings, halos and air scatter are round about the beam, so the gradients of their brightness point to it. The centre is
the point nearest to all these lines, weighted by how well each is known (the radial symmetry centre, Parthasarathy
2012, Nature Methods 9, 724). It may lie beyond the frame. A block of pixels is coarser than a ring, so the estimate
is some pixels off; the clear peaks then choose the point nearby about which they lie on the fewest circles.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

ROUNDS = 10
SIGNIFICANT = 3.0
"""Standard deviations from which a gradient counts."""
LARGEST_SIGNIFICANCE = 30.0
"""A gradient's significance counts up to this: the brightest ring shall not decide alone."""
NEAREST = 20.0
"""Cells: lines closer to the centre than this count no more for being closer, for there the beamstop has its edge."""
FEWEST = 60
"""Significant gradients without which there is no estimate."""
STEPS = (4.0, 1.0)
"""Pixels between the points that are tried, coarse and fine."""
TRIED_PEAKS = 400
"""Peaks that choose between the points: the most significant."""


def estimated_centre(
    mean: NDArray[np.float32], used: NDArray[np.bool_], pixels: int
) -> tuple[tuple[float, float], float] | None:
    """Return the beam's (column, row) in cells, and how round the frame is about it, from 0 (not at all) to 1.

    ``mean`` (cell rows, cell cols) is in photons a pixel, ``used`` says which cells count, ``pixels`` is their number
    in a cell. Returns None where too few gradients are significant.
    """
    lines = gradient_lines(mean, used, pixels)
    if len(lines) < FEWEST:
        return None
    start = (mean.shape[1] / 2 - 0.5, mean.shape[0] / 2 - 0.5)
    column, row, roundness = _intersection(lines, start)
    return (column, row), roundness


def gradient_lines(mean: NDArray[np.float32], used: NDArray[np.bool_], pixels: int) -> NDArray[np.float64]:
    """Return column, row, direction along columns and rows, and significance of the gradients that count (lines, 5)."""
    lines = np.empty((mean.size, 5))
    return lines[: _gradients(mean, used, pixels, lines)]


@njit(cache=True, nogil=True)
def _gradients(
    mean: NDArray[np.float32], used: NDArray[np.bool_], pixels: int, lines: NDArray[np.float64]
) -> int:
    """Fill ``lines`` (cells, 5): column, row, direction along columns and rows, significance; return how many."""
    number = 0
    for row in range(1, mean.shape[0] - 1):
        for col in range(1, mean.shape[1] - 1):
            if not (used[row, col - 1] and used[row, col + 1] and used[row - 1, col] and used[row + 1, col]):
                continue
            across = float(mean[row, col + 1]) - float(mean[row, col - 1])
            down = float(mean[row + 1, col]) - float(mean[row - 1, col])
            level = (mean[row, col + 1] + mean[row, col - 1] + mean[row + 1, col] + mean[row - 1, col]) / 4
            size = across * across + down * down
            significance = math.sqrt(size / (2 * max(level, 1e-3) / pixels))
            if significance < SIGNIFICANT:
                continue
            length = math.sqrt(size)
            lines[number, 0], lines[number, 1] = col, row
            lines[number, 2], lines[number, 3] = across / length, down / length
            lines[number, 4] = min(significance, LARGEST_SIGNIFICANCE)
            number += 1
    return number


@njit(cache=True, nogil=True)
def _intersection(lines: NDArray[np.float64], start: tuple[float, float]) -> tuple[float, float, float]:
    """Return column and row nearest to all lines, and the roundness, by least squares with renewed weights.

    Lines that pass the present centre far away count less, and more so with every round. The roundness is the mean of
    cos(2 a) over the lines, a = angle between the gradient and the way to the centre: 0 for random directions.
    """
    x, y = start
    for turn in range(ROUNDS):
        a, b, d, u, v = 0.0, 0.0, 0.0, 0.0, 0.0
        accepted = max(8.0 * 0.7**turn, 1.0)  # cells from the centre at which a line counts half
        for i in range(lines.shape[0]):
            col, row, gx, gy, significance = lines[i]
            off = (x - col) * gy - (y - row) * gx  # distance of the line from the present centre
            way = (x - col) ** 2 + (y - row) ** 2
            weight = significance / (way + NEAREST * NEAREST)
            if turn > 1:
                weight /= 1 + (off / accepted) ** 2
            along = col * gy - row * gx
            a += weight * gy * gy
            b -= weight * gx * gy
            d += weight * gx * gx
            u += weight * gy * along
            v -= weight * gx * along
        determinant = a * d - b * b
        if determinant < 1e-6 * (a + d) ** 2:
            return x, y, 0.0
        x, y = (d * u - b * v) / determinant, (a * v - b * u) / determinant
    agreed, total = 0.0, 0.0
    for i in range(lines.shape[0]):
        col, row, gx, gy, significance = lines[i]
        way = (x - col) ** 2 + (y - row) ** 2
        if way < NEAREST * NEAREST:
            continue
        radial = ((x - col) * gx + (y - row) * gy) ** 2 / way
        agreed += 2 * radial - 1
        total += 1
    return x, y, max(agreed / max(total, 1.0), 0.0)


def refined_centre(
    places: NDArray[np.floating | np.int64],
    significance: NDArray[np.float32],
    centre: tuple[float, float],
    reach: float,
) -> tuple[float, float]:
    """Return the (column, row) within about ``reach`` pixels of a centre about which peaks lie on the fewest circles.

    ``places`` (peaks, 2) are row and column, ``significance`` is (peaks,). A single crystal's spots gain little by it:
    the planes of a lattice make circles about other points.
    """
    if len(places) > TRIED_PEAKS:
        places = places[significance >= np.partition(significance, -TRIED_PEAKS)[-TRIED_PEAKS]]
    y, x = np.ascontiguousarray(places.T, np.float64)  # numba compiles once more for another layout
    for step in STEPS:
        centre, reach = _best(x, y, centre, int(np.ceil(reach / step)), step), step
    return centre


@njit(cache=True, nogil=True)
def _best(
    x: NDArray[np.float64], y: NDArray[np.float64], middle: tuple[float, float], number: int, step: float
) -> tuple[float, float]:
    """Return the best of the points up to ``number`` steps to each side; of equals the nearest, or their mean.

    So a turned frame gives the turned point.
    """
    highest, nearest, across, down, equals = -1, 0, 0, 0, 1
    radius, rings = np.empty(x.size, np.int64), np.zeros(_farthest(x, y, middle, number * step) + 3, np.int64)
    for i in range(-number, number + 1):
        for j in range(-number, number + 1):
            found, away = (
                _shared(x, y, (middle[0] + i * step, middle[1] + j * step), radius, rings),
                i * i + j * j,
            )
            if found > highest or (found == highest and away < nearest):
                highest, nearest, across, down, equals = found, away, i, j, 1
            elif found == highest and away == nearest:
                across, down, equals = across + i, down + j, equals + 1
    return middle[0] + across / equals * step, middle[1] + down / equals * step


@njit(cache=True, nogil=True, inline="always")
def _farthest(
    x: NDArray[np.float64], y: NDArray[np.float64], middle: tuple[float, float], reach: float
) -> int:
    """Return a radius, in pixels, beyond which no peak lies from any point within ``reach`` to each side."""
    farthest = 0.0
    for i in range(x.size):
        farthest = max(farthest, abs(x[i] - middle[0]) + abs(y[i] - middle[1]))
    return int(farthest + 2 * reach)


@njit(cache=True, nogil=True, inline="always")
def _shared(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    centre: tuple[float, float],
    radius: NDArray[np.int64],
    rings: NDArray[np.int64],
) -> int:
    """Return the number of pairs of peaks that share a ring of a pixel or lie on neighbouring ones.

    ``radius`` (peaks,) and ``rings``, of zeros, which it is again in the end, are working memory.
    """
    for i in range(x.size):
        radius[i] = int(math.sqrt((x[i] - centre[0]) ** 2 + (y[i] - centre[1]) ** 2))
        rings[radius[i]] += 1
    pairs = 0
    for i in range(x.size):
        pairs += rings[radius[i]] + 2 * rings[radius[i] + 1]
    for i in range(x.size):
        rings[radius[i]] = 0
    return int(pairs)
