"""What stands in the way of the scattered light, and what light comes where it should not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Detector


@dataclass(frozen=True, slots=True)
class HalfPlane:
    """All beyond a straight edge is dimmed: a pin, a nozzle, a goniometer."""

    direction: float  # radian from the column axis, of the normal into the shadow
    distance: float  # pixel, from the beam to the edge along the normal
    softness: float  # pixel, width of the penumbra
    clear: float  # share that passes in full shadow


@dataclass(frozen=True, slots=True)
class Flare:
    """A streak from the beam outwards: a jet, a slit, a crystal's surface."""

    direction: float  # radian from the column axis
    height: float  # expected photons a pixel near the beam
    length: float  # pixel, over which it falls to 1/e
    width: float  # pixel, standard deviation across


def random_shadow(detector: Detector, generator: np.random.Generator) -> list[HalfPlane]:
    """Draw a shadow that covers a part of the detector."""
    half = min(detector.rows, detector.cols) / 2
    direction = generator.uniform(0, 2 * np.pi)
    clear = float(generator.choice([0.0, 0.1, 0.5]))
    return [
        HalfPlane(direction, half * generator.uniform(0.05, 0.9), float(generator.uniform(0.5, 15)), clear)
    ]


def random_flare(detector: Detector, height: float, generator: np.random.Generator) -> Flare:
    """Draw a streak, horizontal or vertical more often than not."""
    upright = float(generator.choice([0, np.pi / 2, np.pi, -np.pi / 2])) + generator.normal(0, 0.03)
    direction = upright if generator.random() < 0.6 else generator.uniform(0, 2 * np.pi)
    length = min(detector.rows, detector.cols) * np.exp(generator.uniform(-3, -0.5))
    return Flare(float(direction), height, float(length), float(np.exp(generator.uniform(-0.5, 2))))


def dim(expected: NDArray[np.float32], centre: tuple[float, float], shadow: HalfPlane) -> None:
    """Lay a shadow over expected photons (rows, cols)."""
    edge = (
        np.cos(shadow.direction),
        np.sin(shadow.direction),
        shadow.distance,
        shadow.softness,
        shadow.clear,
    )
    _dim(expected, centre, edge)


def passed(shadow: HalfPlane, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share that passes at places (x, y) from the beam, in pixels."""
    beyond = (
        x * np.cos(shadow.direction) + y * np.sin(shadow.direction) - shadow.distance
    ) / shadow.softness + 0.5
    return np.asarray(1 - (1 - shadow.clear) * np.clip(beyond, 0, 1))


def shine(expected: NDArray[np.float32], centre: tuple[float, float], flare: Flare) -> None:
    """Add a streak to expected photons (rows, cols)."""
    _shine(
        expected,
        centre,
        (np.cos(flare.direction), np.sin(flare.direction), flare.height, flare.length, flare.width),
    )


@njit(nogil=True, cache=True)
def _dim(expected, centre, edge):  # type: ignore[no-untyped-def]
    x, y, distance, softness, clear = edge
    for row in range(expected.shape[0]):
        for col in range(expected.shape[1]):
            beyond = ((col - centre[0]) * x + (row - centre[1]) * y - distance) / softness + 0.5
            expected[row, col] *= 1.0 - (1.0 - clear) * min(max(beyond, 0.0), 1.0)


@njit(nogil=True, cache=True)
def _shine(expected, centre, flare):  # type: ignore[no-untyped-def]
    x, y, height, length, width = flare
    for row in range(expected.shape[0]):
        for col in range(expected.shape[1]):
            along = (col - centre[0]) * x + (row - centre[1]) * y
            across = ((row - centre[1]) * x - (col - centre[0]) * y) / (
                width * (1.0 + 0.3 * abs(along) / length)
            )
            if along > 0.0 and abs(across) < 4.0 and along < 8.0 * length:
                expected[row, col] += height * np.exp(-along / length - 0.5 * across * across)
