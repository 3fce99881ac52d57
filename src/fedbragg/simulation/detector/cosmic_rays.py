"""Cosmic rays and radioactivity of the surroundings: charge that does not come from the beam's photons.

Muons cross the sensor in straight lines; electrons knocked out by gamma rays wander and leave most charge where they
stop ("worms"), or stop within a pixel or two (Groom 2002, Experimental Astronomy 14, 45). In a CCD behind a phosphor
they hit the silicon itself: the charge diffuses over less than a pixel, whereas the phosphor blurs every X-ray. A
photon counter counts each crossed pixel once, at any energy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Detector
from fedbragg.simulation.detector.exposure import pixel_share

STEP = 0.25
"""Pixels between two points of a track."""
_REACH = 2  # pixels from a point within which its charge is collected
_COUNTED = 0.3  # photons: the charge from which a photon counter's pixel counts


def add_cosmic_rays(
    counts: NDArray[Any], number: int, strength: float, detector: Detector, generator: np.random.Generator
) -> None:
    """Add ``number`` events to the counts (rows, cols); ``strength`` is a muon's photons along one pixel, median."""
    charge = np.zeros(counts.shape, np.float32)
    for _ in range(number):
        add_charge(_track(counts.shape, strength, generator), float(generator.uniform(0.15, 0.45)), charge)
    added = charge * detector.gain if detector.integrating else (charge > _COUNTED).astype(np.float32)
    struck = charge > 0
    counts[struck] = np.minimum(np.rint(counts[struck] + added[struck]), detector.saturation)


def _track(shape: tuple[int, ...], strength: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw one event's points (n, 3): row, column, charge."""
    start = generator.uniform(0, shape[:2], size=2)
    kind = generator.random()
    energy = strength * float(np.exp(generator.normal(0, 0.6)))
    if kind < 0.4:
        return _straight(start, energy, generator)
    return _wandering(start, energy, 1.0 if kind < 0.7 else float(generator.uniform(2, 25)), generator)


def _straight(
    start: NDArray[np.float64], energy: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw a muon's points: as long as its way through the thin sensor; the energy loss fluctuates."""
    length = min(0.3 + generator.uniform(0.1, 4) * _slope(generator), 200.0)
    angle = generator.uniform(0, 2 * np.pi)
    along = np.arange(0, length + STEP, STEP)
    loss = energy * STEP * generator.lognormal(0, 0.5, along.size)  # a skewed loss, as Landau's
    return np.stack([start[0] + along * np.sin(angle), start[1] + along * np.cos(angle), loss], axis=1)


def _slope(generator: np.random.Generator) -> float:
    """Draw how far a muon goes along an upright sensor for each step through it.

    The intensity falls with the square of the cosine of the zenith angle; most come through along the sensor's normal.
    """
    cosine, azimuth = generator.random(16) ** (1 / 3), generator.uniform(0, 2 * np.pi, 16)
    through = np.sqrt(1 - cosine**2) * abs(np.cos(azimuth))
    chosen = through[generator.choice(16, p=through / through.sum())]
    return float(np.sqrt(1 - chosen**2) / chosen)


def _wandering(
    start: NDArray[np.float64], energy: float, length: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw an electron's points: its direction changes, and more so, with more charge a pixel, toward the end."""
    left = np.arange(length, 0, -STEP)
    turns = generator.normal(0, 1, left.size) * np.sqrt(STEP) * (0.25 + 1 / np.sqrt(1 + left))
    angle = generator.uniform(0, 2 * np.pi) + np.cumsum(turns)
    loss = energy * STEP * (1 + 4 / (1 + left)) * generator.lognormal(0, 0.4, left.size)
    rows, cols = start[0] + np.cumsum(np.sin(angle)) * STEP, start[1] + np.cumsum(np.cos(angle)) * STEP
    return np.stack([rows, cols, loss], axis=1)


@njit(nogil=True, cache=True)
def add_charge(points, sigma, out):  # type: ignore[no-untyped-def]
    """Add the charge of points (n, 3) to ``out`` (rows, cols), spread by a Gaussian of ``sigma`` pixels."""
    for i in range(points.shape[0]):
        row, col = round(points[i, 0]), round(points[i, 1])
        for a in range(max(row - _REACH, 0), min(row + _REACH + 1, out.shape[0])):
            down = points[i, 2] * pixel_share(a - points[i, 0], sigma)
            for b in range(max(col - _REACH, 0), min(col + _REACH + 1, out.shape[1])):
                out[a, b] += down * pixel_share(b - points[i, 1], sigma)
