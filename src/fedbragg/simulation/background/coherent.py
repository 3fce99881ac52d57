"""Small-angle scattering of films at grazing incidence, and speckle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Detector
from fedbragg.simulation.random_streams import STEP, normal, uniform

CRITICAL_PER_WAVELENGTH = 2.5e-3
"""Silicon's critical angle over the wavelength, radian / angstrom (0.18 degrees at 1.24 angstrom)."""


@dataclass(frozen=True, slots=True)
class Film:
    """A flat film at grazing incidence. Angles are in radian, lengths in angstrom."""

    incidence: float  # angle between beam and surface
    critical: float  # angle of total reflection
    period: float  # lateral distance of the film's particles
    order: float  # share of the intensity in the rods of that period; the rest is diffuse
    roughness: float  # height of the scattering structure
    photons: float  # expected on the brightest pixel
    leak: float = 0.0  # intensity below the sample's horizon, relative
    upright: bool = True  # True: horizontal surface, vertical rods; False: the opposite


def film_scatter(film: Film, detector: Detector, wavelength: float) -> NDArray[np.float32]:
    """Return (rows, cols) expected photons of a film (distorted-wave Born approximation, one reflection).

    Vertically, the Fresnel transmission of the outgoing wave: dark below the horizon, brightest at the critical angle
    (Yoneda 1963). Horizontally, diffuse scatter, and rods at multiples of 2 pi over the period that widen with the
    order.
    """
    column, row = detector.beam_centre
    up: NDArray[np.float64] = row - np.arange(detector.rows, dtype=np.float64)
    across: NDArray[np.float64] = np.arange(detector.cols, dtype=np.float64) - column
    if not film.upright:
        up, across = -across, up
    per_pixel = detector.pixel_size / detector.distance
    vertical = _vertical_profile(film, up * per_pixel - film.incidence, wavelength)
    horizontal = _horizontal_profile(film, 2 * np.pi / wavelength * across * per_pixel)
    vertical, horizontal = vertical / max(vertical.max(), 1e-12), horizontal / max(horizontal.max(), 1e-12)
    pattern = np.outer(vertical, horizontal) if film.upright else np.outer(horizontal, vertical)
    return np.asarray(film.photons * pattern, dtype=np.float32)


def reflected_beam(film: Film, detector: Detector) -> NDArray[np.float64]:
    """Return the specular reflection (1, 6) as ``exposure.add_expected_spots`` takes it."""
    away = 2 * film.incidence * detector.distance / detector.pixel_size
    column, row = detector.beam_centre
    position = (column, row - away) if film.upright else (column - away, row)
    return np.array([[*position, 300 * film.photons, 1.5, 0.0, 0.0]])


def _vertical_profile(film: Film, exit_angle: NDArray[np.float64], wavelength: float) -> NDArray[np.float64]:
    """Return the scattering by exit angle: Fresnel's |t|^2, and the decrease with vertical momentum transfer."""
    sine = np.sin(np.maximum(exit_angle, 0))
    inside = np.sqrt(sine**2 - np.sin(film.critical) ** 2 + 0.01j * film.critical**2)
    transmitted = abs(2 * sine / (sine + inside)) ** 2
    momentum = 2 * np.pi / wavelength * (np.sin(exit_angle) + np.sin(film.incidence))
    decrease = (1 + (momentum * film.roughness) ** 2) ** -1.0
    return np.asarray(np.where(exit_angle > 0, transmitted, 4 * film.leak) * decrease)


def _horizontal_profile(film: Film, momentum: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scattering by horizontal momentum transfer: diffuse, and rods up to the fourth order."""
    first = 2 * np.pi / film.period
    out = (1 - film.order) / (1 + (momentum / (0.4 * first)) ** 2)
    for n in (-4, -3, -2, -1, 1, 2, 3, 4):
        width = first * (0.02 + 0.02 * n * n)  # paracrystal: disorder grows with distance (Hosemann 1951)
        out += film.order / n**2 / (1 + ((momentum - n * first) / width) ** 2)
    return np.asarray(out)


@dataclass(frozen=True, slots=True)
class Speckle:
    """Speckle: coherent scattering of a disordered sample."""

    size: float  # pixel, across a speckle
    modes: int  # incoherent modes; the contrast (variance over mean squared) is 1 / modes
    stream: np.uint64  # start of a stream of random numbers


def apply_speckle(expected: NDArray[np.float32], speckle: Speckle) -> None:
    """Multiply expected photons (rows, cols) by the intensity of random fields, of mean 1 (Goodman 2007, ch. 3)."""
    _apply_speckle(expected, speckle.size, speckle.modes, speckle.stream)


@njit(nogil=True, cache=True)
def _apply_speckle(expected, size, modes, position):  # type: ignore[no-untyped-def]
    """Interpolate complex Gaussian fields, of unit variance everywhere, between nodes ``size`` pixels apart."""
    rows, cols = expected.shape
    nodes = int(cols / size) + 3
    upper, lower = np.zeros((2 * modes, nodes)), np.zeros((2 * modes, nodes))
    at = -2
    for row in range(rows):
        while at < int(row / size):
            at += 1
            upper, lower = lower, upper
            for i in range(2 * modes):
                for j in range(nodes):
                    position += STEP
                    lower[i, j] = normal(uniform(position))
        down = row / size - at
        for col in range(cols):
            j = int(col / size)
            right = col / size - j
            total = 0.0
            for i in range(2 * modes):
                left_field = (1.0 - down) * upper[i, j] + down * lower[i, j]
                right_field = (1.0 - down) * upper[i, j + 1] + down * lower[i, j + 1]
                total += ((1.0 - right) * left_field + right * right_field) ** 2
            variance = ((1.0 - down) ** 2 + down**2) * ((1.0 - right) ** 2 + right**2)
            expected[row, col] *= total / (2.0 * modes * variance)
