"""Places where a search for the direct beam may begin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.beam.agreement import agreement
from fedbragg.tasks.tags.healing.beam.picture import Picture

Place = NDArray[np.float64]
"""(2,) column and row, in cells."""
OVERLAP = 0.12
"""Share of the measured cells that a point reflection must map onto measured ones."""
APART = 20
"""Cells of the correlation, half a cell each, between two peaks."""
STEEPEST = 0.5
"""Share of the cells whose gradient points along a line to the beam."""
EDGE = 3
"""Cells next to a gap whose gradient is the gap's."""


def starts(image: Picture) -> list[Place]:
    """Return places near one of which the beam probably lies."""
    rows, cols = image.values.shape
    middle = np.array([(cols - 1) / 2, (rows - 1) / 2])
    return [*_reflections(image), *_crossings(image, middle), *_best_of_grid(image), middle]


def _reflections(image: Picture) -> list[Place]:
    """Return the two places about which the reflected picture correlates best with itself."""
    size = (2 * image.values.shape[0], 2 * image.values.shape[1])
    light, square, seen = (
        np.fft.rfft2(part, size)
        for part in (image.values, image.values**2, image.measured.astype(np.float32))
    )
    pairs = ((seen, seen), (light, light), (light, seen), (square, seen))
    number, products, sums, squares = (np.asarray(np.fft.irfft2(a * b, size)) for a, b in pairs)
    least = OVERLAP * image.measured.sum()
    pixels = np.maximum(number, 1)
    correlation = (products - sums**2 / pixels) / np.maximum(squares - sums**2 / pixels, 1e-9)
    score = correlation * np.sqrt(pixels / max(float(image.measured.sum()), 1))
    score[number <= least] = -1
    found = []
    for _ in range(2):
        row, col = (int(k) for k in np.unravel_index(np.argmax(score), score.shape))
        found.append(np.array([col / 2, row / 2]))
        score[max(row - APART, 0) : row + APART, max(col - APART, 0) : col + APART] = -1
    return found


def _crossings(image: Picture, middle: Place) -> list[Place]:
    """Return where the lines along which the brightness changes most meet, by reweighted least squares."""
    smooth = _blurred(image.values, image.measured)
    down, right = np.gradient(smooth, axis=0), np.gradient(smooth, axis=1)
    slope = np.hypot(right, down)
    inner = _away_from_gaps(image.measured)
    inner &= slope > np.quantile(slope[inner], STEEPEST) if inner.any() else inner
    row, col = np.nonzero(inner)
    steep = np.maximum(slope[inner], 1e-9)
    normal = np.stack([-down[inner], right[inner]]) / steep
    offset = normal[0] * col + normal[1] * row
    weight, found = steep, []
    for step in range(8):
        place = _nearest_to_lines(normal, offset, weight, middle)
        away, distance = normal.T @ place - offset, np.hypot(col - place[0], row - place[1])
        weight = steep / (1 + (away / (0.1 * distance + 1)) ** 2) / (distance + 3)
        if step in (0, 3, 7):
            found.append(place)
    return found


def _nearest_to_lines(
    normal: NDArray[np.float64], offset: NDArray[np.float64], weight: NDArray[np.float64], middle: Place
) -> Place:
    matrix = (weight * normal) @ normal.T
    hold = 1e-6 * max(float(np.trace(matrix)), 1e-12)  # a picture that decides nothing keeps its middle
    return np.asarray(np.linalg.solve(matrix + hold * np.eye(2), (weight * normal) @ offset + hold * middle))


def _best_of_grid(image: Picture) -> list[Place]:
    rows, cols = image.values.shape
    steps = np.linspace(-0.2, 1.2, 8)
    places = [np.array([x * cols, y * rows]) for y in steps for x in steps]
    return sorted(places, key=lambda place: agreement(image, place).score)[-3:]


def _away_from_gaps(measured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the measured cells with only measured ones within EDGE."""
    inner = np.pad(measured, EDGE)
    for axis in (0, 1):
        inner = np.logical_and.reduce([np.roll(inner, shift, axis) for shift in range(-EDGE, EDGE + 1)])
    return np.asarray(inner[EDGE:-EDGE, EDGE:-EDGE])


def _blurred(values: NDArray[np.float32], measured: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean of measured cells around each, weighed by a Gaussian of 1.5 cells."""
    kernel = np.exp(-0.5 * (np.arange(-4, 5) / 1.5) ** 2)

    def blur(part: NDArray[np.float64]) -> NDArray[np.float64]:
        for axis in (0, 1):
            wide = np.pad(part, [(4, 4) if k == axis else (0, 0) for k in (0, 1)])
            window = np.lib.stride_tricks.sliding_window_view(wide, len(kernel), axis)
            part = np.asarray(window @ kernel)
        return part

    return blur(np.where(measured, values, 0).astype(np.float64)) / np.maximum(
        blur(measured.astype(np.float64)), 1e-3
    )
