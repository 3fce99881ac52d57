"""Scattering by radius (air, solvent, plastic), and the texture of powder rings by azimuth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Background, Beamline

STEPS_PER_PIXEL = 2  # entries of a radial table
AZIMUTH_STEPS = 1440  # entries of an azimuthal table


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Powder rings that share one texture."""

    radial: NDArray[np.float32]
    """(radii,), STEPS_PER_PIXEL a pixel: expected photons a pixel before the detector's geometric factors."""
    azimuthal: NDArray[np.float32]
    """(AZIMUTH_STEPS + 1,), factor of mean near 1; the last repeats the first."""


def inverse_spacings(beamline: Beamline) -> NDArray[np.float64]:
    """Return 1/d in 1/angstrom (radii,) for a radial table that covers the farthest corner."""
    detector = beamline.detector
    column, row = detector.beam_centre
    corner = np.hypot(max(column, detector.cols - column), max(row, detector.rows - row))
    pixels = np.arange(int(corner) * STEPS_PER_PIXEL + 2 * STEPS_PER_PIXEL + 2) / STEPS_PER_PIXEL
    two_theta = np.arctan(pixels * detector.pixel_size / detector.distance)
    return np.asarray(2 * np.sin(two_theta / 2) / beamline.beam.wavelength)


def smooth_scattering(
    background: Background, inverse_d: NDArray[np.float64], air: float, solvent: float
) -> NDArray[np.float64]:
    """Return air, liquid water's ring at 3.2 angstrom, plastic and floor (radii,), in units of ``background.level``.

    ``air`` and ``solvent`` are this frame's amounts relative to the beamline's.
    """
    water = np.exp(-0.5 * ((inverse_d - 1 / 3.2) / 0.055) ** 2)
    water += 0.35 * np.exp(-0.5 * ((inverse_d - 0.48) / 0.08) ** 2)  # the second shell, near 2.1 angstrom
    water += 0.25 / (1 + (inverse_d / 0.22) ** 4)
    water *= np.exp(-1.5 * inverse_d**2)
    gas = np.exp(-inverse_d / 0.18) + 0.25 * np.exp(-inverse_d / 0.5)
    plastic = np.exp(-0.5 * ((inverse_d - 0.2) / 0.03) ** 2)
    return (
        background.floor
        + background.air * air * gas
        + background.solvent * solvent * water
        + background.loop * solvent * plastic
    )


def ring_texture(generator: np.random.Generator, contrast: float, arcs: float) -> NDArray[np.float32]:
    """Draw a ring's azimuthal factor (AZIMUTH_STEPS + 1,): smooth waves, and about ``arcs`` arcs of large grains."""
    angle = np.linspace(0, 2 * np.pi, AZIMUTH_STEPS + 1)
    factor = np.ones(AZIMUTH_STEPS + 1)
    for order in (2, 4, 6):
        factor += contrast / order * np.cos(order * (angle - generator.uniform(0, 2 * np.pi)))
    for _ in range(generator.poisson(arcs)):
        away = np.angle(np.exp(1j * (angle - generator.uniform(0, 2 * np.pi))))
        height = 2 * contrast * generator.exponential()
        factor += height * np.exp(-0.5 * (away / generator.uniform(0.01, 0.15)) ** 2)
    factor = np.maximum(factor, 0)
    return np.asarray(factor / factor.mean(), dtype=np.float32)


def aligned_texture(direction: float, sharpness: float) -> NDArray[np.float32]:
    """Return the azimuthal factor, of mean 1, of particles aligned along a direction: two opposite arcs."""
    angle = np.linspace(-np.pi, np.pi, AZIMUTH_STEPS + 1)
    factor = np.exp(sharpness * (np.cos(angle - direction) ** 2 - 1))
    return np.asarray(factor / factor[:-1].mean(), dtype=np.float32)
