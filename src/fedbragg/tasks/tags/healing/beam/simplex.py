"""Find the minimum of a function of two variables (Nelder and Mead, Computer Journal 7, 308, 1965)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]
"""(2,)"""
MOST_STEPS = 80
_RIGHT, _DOWN = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def minimum(cost: Callable[[Point], float], start: Point, step: float, precision: float) -> Point:
    """Return a local minimum near ``start``; the first triangle has sides of ``step``, the last of ``precision``."""
    corners = [(cost(point), point) for point in (start, start + step * _RIGHT, start + step * _DOWN)]
    for _ in range(MOST_STEPS):
        corners.sort(key=_cost)
        best, worst = corners[0][1], corners[2][1]
        if max(float(np.abs(point - best).max()) for _, point in corners) < precision:
            break
        corners = _moved(cost, corners, (best + corners[1][1]) / 2 - worst)
    return min(corners, key=_cost)[1]


def _moved(
    cost: Callable[[Point], float], corners: list[tuple[float, Point]], across: Point
) -> list[tuple[float, Point]]:
    """Replace the worst corner by a better one along ``across``, the way to the middle of the others, or shrink."""
    worst_cost, worst = corners[2]

    def tried(share: float) -> tuple[float, Point]:
        point = worst + share * across
        return cost(point), point

    mirrored = tried(2.0)
    if mirrored[0] < corners[0][0]:
        return [*corners[:2], min(mirrored, tried(3.0), key=_cost)]
    if mirrored[0] < corners[1][0]:
        return [*corners[:2], mirrored]
    nearer = tried(1.5 if mirrored[0] < worst_cost else 0.5)
    if nearer[0] < min(mirrored[0], worst_cost):
        return [*corners[:2], nearer]
    halves = [(corners[0][1] + point) / 2 for _, point in corners[1:]]
    return [corners[0], *((cost(point), point) for point in halves)]


def _cost(corner: tuple[float, Point]) -> float:
    return corner[0]
