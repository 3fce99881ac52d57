"""Shadows of parts that block scattering, and streaks from the beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Detector


@dataclass(frozen=True, slots=True)
class Shadow:
    """A shadow beyond a straight edge, as of a pin, a nozzle or a goniometer."""

    direction: float  # radian from the column axis, of the normal into the shadow
    distance: float  # pixel, from the beam to the edge along the normal
    softness: float  # pixel, width of the penumbra
    transmission: float  # share that passes in full shadow


@dataclass(frozen=True, slots=True)
class Streak:
    """A streak from the beam outwards, as of a jet, a slit or a crystal's surface."""

    direction: float  # radian from the column axis
    height: float  # expected photons a pixel near the beam
    length: float  # pixel, over which it falls to 1/e
    width: float  # pixel, standard deviation across


def random_shadow(detector: Detector, generator: np.random.Generator) -> Shadow:
    """Draw a shadow over part of the detector."""
    half = min(detector.rows, detector.cols) / 2
    direction = generator.uniform(0, 2 * np.pi)
    transmission = float(generator.choice([0.0, 0.1, 0.5]))
    distance = half * generator.uniform(0.05, 0.9)
    return Shadow(direction, distance, float(generator.uniform(0.5, 15)), transmission)


def random_streak(detector: Detector, height: float, generator: np.random.Generator) -> Streak:
    """Draw a streak; most are horizontal or vertical."""
    upright = float(generator.choice([0, np.pi / 2, np.pi, -np.pi / 2])) + generator.normal(0, 0.03)
    direction = upright if generator.random() < 0.6 else generator.uniform(0, 2 * np.pi)
    length = min(detector.rows, detector.cols) * np.exp(generator.uniform(-3, -0.5))
    return Streak(float(direction), height, float(length), float(np.exp(generator.uniform(-0.5, 2))))


def apply_shadow(expected: NDArray[np.float32], centre: tuple[float, float], shadow: Shadow) -> None:
    """Multiply expected photons (rows, cols) by a shadow's transmission; ``centre`` is the beam's (column, row)."""
    edge = (
        np.cos(shadow.direction),
        np.sin(shadow.direction),
        shadow.distance,
        shadow.softness,
        shadow.transmission,
    )
    _apply_shadow(expected, centre, edge)


def shadow_transmission(
    shadow: Shadow, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share that passes at positions (x, y) relative to the beam, in pixels."""
    beyond = (
        x * np.cos(shadow.direction) + y * np.sin(shadow.direction) - shadow.distance
    ) / shadow.softness + 0.5
    return np.asarray(1 - (1 - shadow.transmission) * np.clip(beyond, 0, 1))


def add_streak(expected: NDArray[np.float32], centre: tuple[float, float], streak: Streak) -> None:
    """Add a streak to expected photons (rows, cols); ``centre`` is the beam's (column, row)."""
    _add_streak(
        expected,
        centre,
        (np.cos(streak.direction), np.sin(streak.direction), streak.height, streak.length, streak.width),
    )


@njit(nogil=True, cache=True)
def _apply_shadow(expected, centre, edge):  # type: ignore[no-untyped-def]
    x, y, distance, softness, transmission = edge
    for row in range(expected.shape[0]):
        for col in range(expected.shape[1]):
            beyond = ((col - centre[0]) * x + (row - centre[1]) * y - distance) / softness + 0.5
            expected[row, col] *= 1.0 - (1.0 - transmission) * min(max(beyond, 0.0), 1.0)


@njit(nogil=True, cache=True)
def _add_streak(expected, centre, streak):  # type: ignore[no-untyped-def]
    x, y, height, length, width = streak
    for row in range(expected.shape[0]):
        for col in range(expected.shape[1]):
            along = (col - centre[0]) * x + (row - centre[1]) * y
            across = ((row - centre[1]) * x - (col - centre[0]) * y) / (
                width * (1.0 + 0.3 * abs(along) / length)
            )
            if along > 0.0 and abs(across) < 4.0 and along < 8.0 * length:
                expected[row, col] += height * np.exp(-along / length - 0.5 * across * across)
