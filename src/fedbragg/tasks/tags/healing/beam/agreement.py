"""Score a place as the direct beam: sharp rings about it, and equal light opposite (Friedel's law)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.beam.picture import CUT, Picture

REFLECTED = 0.5
"""Worth of a perfect point reflection, relative to rings that explain everything."""
FARTHEST = 2.0
"""Lengths of the longer edge from the middle beyond which no beam is sought."""
OUTSIDE = 0.1
"""Cost of each length of the longer edge outside the image: far away, all rings are straight lines."""
FEWEST = 20
"""Fewest cells that must have an opposite one."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a picture agrees with a beam."""

    rings: float  # share of the variance that the means of rings explain, 1 at best
    reflected: float  # correlation with the point reflection, -1 to 1
    share: float  # of the measured cells whose reflection is measured, 0 to 1
    outside: float = 0.0  # lengths of the longer edge from the image

    @property
    def score(self) -> float:
        """Return the score that ranks places: rings and reflection, less a cost for a beam outside."""
        return self.explained(self.share) - OUTSIDE * self.outside

    def explained(self, share: float) -> float:
        """Combine both; the reflection counts only for variance that rings leave, and where it is measured."""
        return self.rings + REFLECTED * share * self.reflected * (1 - max(self.rings, 0))


def agreement(image: Picture, place: NDArray[np.float64]) -> Agreement:
    """Compare a picture with a beam at ``place`` (column, row) in cells."""
    size = np.array(image.values.shape[::-1], float)
    away = float(np.abs(place - (size - 1) / 2).max() / size.max())
    if away > FARTHEST:
        return Agreement(-1.0, 0.0, 0.0)
    column, row = place.tolist()
    within = float(_ring_variance(image.values, image.measured, column, row))
    reflected, share = _reflection(image.values, image.measured, column, row)
    return Agreement(1 - within / max(image.variance, 1e-12), reflected, share, max(away - 0.5, 0.0))


def cost_near(image: Picture, start: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], float]:
    """Return the function to minimise near a start: minus the explained share, with the reflection's weight fixed.

    With a free weight, a place nearer the middle would win by reflecting more.
    """
    share = agreement(image, start).share
    return lambda place: -agreement(image, place).explained(share)


@njit(nogil=True, cache=True)
def _ring_variance(values, measured, column, row):  # type: ignore[no-untyped-def]
    """Return the mean square from the rings' means, cut at CUT; a ring is one cell wide."""
    rows, cols = values.shape
    far = np.hypot(max(abs(column), abs(cols - column)), max(abs(row), abs(rows - row)))
    near = max(np.hypot(max(-column, column - cols, 0.0), max(-row, row - rows, 0.0)) - 2, 0.0)
    mean, weight = np.zeros(int(far - near) + 4), np.zeros(int(far - near) + 4)
    value, distance, number = np.empty(values.size), np.empty(values.size), 0
    for i in range(rows):
        for j in range(cols):
            if measured[i, j]:
                value[number] = values[i, j]
                distance[number] = np.sqrt((i - row) ** 2 + (j - column) ** 2) - near
                k = int(distance[number])
                part = distance[number] - k
                mean[k] += (1 - part) * value[number]
                mean[k + 1] += part * value[number]
                weight[k] += 1 - part
                weight[k + 1] += part
                number += 1
    mean /= np.maximum(weight, 1e-9)
    mean += 1.5 * _mean_change(value[:number], distance[:number], mean, weight)
    square = 0.0
    for cell in range(number):
        k = int(distance[cell])
        part = distance[cell] - k
        change = value[cell] - (1 - part) * mean[k] - part * mean[k + 1]
        square += min(change * change, CUT * CUT)
    return square / max(number - np.minimum(weight, 1).sum(), 1.0)


@njit(nogil=True, cache=True)
def _mean_change(value, distance, mean, weight):  # type: ignore[no-untyped-def]
    """Return by how much the means move when no cell pulls by more than CUT."""
    total = np.zeros(mean.size)
    for cell in range(value.size):
        k = int(distance[cell])
        part = distance[cell] - k
        change = value[cell] - (1 - part) * mean[k] - part * mean[k + 1]
        change = min(max(change, -CUT), CUT)
        total[k] += (1 - part) * change
        total[k + 1] += part * change
    return total / np.maximum(weight, 1e-9)


@njit(nogil=True, cache=True)
def _reflection(values, measured, column, row):  # type: ignore[no-untyped-def]
    """Return the correlation of measured cells with those opposite, and the share of them that have one."""
    rows, cols = values.shape
    first, second, product, square, other = 0.0, 0.0, 0.0, 0.0, 0.0
    number, total = 0, 0
    for i in range(rows):
        for j in range(cols):
            if measured[i, j]:
                total += 1
                y, x = 2 * row - i, 2 * column - j
                k, m = int(np.floor(y)), int(np.floor(x))
                if k < 0 or m < 0 or k + 1 >= rows or m + 1 >= cols:
                    continue
                if measured[k, m] and measured[k + 1, m] and measured[k, m + 1] and measured[k + 1, m + 1]:
                    p, q = y - k, x - m
                    upper = (1 - q) * values[k, m] + q * values[k, m + 1]
                    lower = (1 - q) * values[k + 1, m] + q * values[k + 1, m + 1]
                    here, there = values[i, j], (1 - p) * upper + p * lower
                    first, second, product = first + here, second + there, product + here * there
                    square, other = square + here * here, other + there * there
                    number += 1
    if number < FEWEST:
        return 0.0, 0.0
    first, second = first / number, second / number
    spread = max((square / number - first**2) * (other / number - second**2), 1e-12)
    return (product / number - first * second) / np.sqrt(spread), number / total
