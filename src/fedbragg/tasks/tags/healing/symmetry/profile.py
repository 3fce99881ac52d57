"""The isotropic part of an image: its mean by radius, over measured pixels alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.symmetry.rings import Rings

KNOTS = 2
"""Knots of the profile in a pixel of radius: a calibrant's rings are two pixels wide."""
LEAST_WEIGHT = 2.0
"""Measured pixels without which a knot has no mean of its own."""
NARROW = 20
"""Knots without a mean that are bridged between their neighbours."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The mean by radius, on every sorted pixel."""

    level: NDArray[np.float32]  # (pixels,) counts
    known: NDArray[np.bool_]  # (pixels,) whether the radius was measured, or lies in a narrow gap of radius


def radial_profile(rings: Rings, counts: NDArray[np.float32], measured: NDArray[np.bool_]) -> Profile:
    """Return the mean by radius of sorted counts (pixels,).

    A knot's mean weighs the pixels within a knot's distance by a triangle; knots without pixels are interpolated, and
    those outside the measured radii have the mean of the nearest.
    """
    length = (int(rings.radius.max()) - rings.first + 2) * KNOTS
    total, weight = np.zeros(length), np.zeros(length)
    _add(rings.radius, counts, measured, rings.first, total, weight)
    seen = weight >= min(LEAST_WEIGHT, weight.max())
    at = np.arange(length)
    knots = np.maximum(np.interp(at, at[seen], total[seen] / weight[seen]), 0)
    level = np.empty(rings.radius.size, np.float32)
    known = np.empty(rings.radius.size, np.bool_)
    _spread(rings.radius, rings.first, knots, _bridged(seen), level, known)
    return Profile(level, known)


def _bridged(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which knots (length,) have a mean, or lie between two that do and are near each other."""
    at = np.flatnonzero(seen)
    bridged = seen.copy()
    for first, last in pairwise(at):
        if 1 < last - first <= NARROW:
            bridged[first:last] = True
    return bridged


@njit(nogil=True, cache=True)
def _add(radius, counts, measured, first, total, weight):  # type: ignore[no-untyped-def]
    for i in range(radius.size):
        if measured[i]:
            distance = (radius[i] - np.float32(first)) * np.float32(KNOTS)
            knot = int(distance)
            part = distance - np.float32(knot)
            total[knot] += (1 - part) * counts[i]
            total[knot + 1] += part * counts[i]
            weight[knot] += 1 - part
            weight[knot + 1] += part


@njit(nogil=True, cache=True)
def _spread(radius, first, knots, bridged, level, known):  # type: ignore[no-untyped-def]
    for i in range(radius.size):
        distance = (radius[i] - np.float32(first)) * np.float32(KNOTS)
        knot = int(distance)
        part = distance - np.float32(knot)
        level[i] = (1 - part) * knots[knot] + part * knots[knot + 1]
        known[i] = bridged[knot] or bridged[knot + 1]
