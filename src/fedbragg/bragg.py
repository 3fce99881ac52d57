"""Bragg's law between the length of the scattering vector and the scattering angle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def two_theta_of(q: NDArray[np.float64], wavelength: float, *, beyond: float = np.nan) -> NDArray[np.float64]:
    """Return scattering angles in degrees; ``beyond`` where q is larger than 4 pi / wavelength.

    ``q`` (1/angstrom) is the length of the scattering vector; ``wavelength`` is in angstrom.
    """
    sine = q * wavelength / (4 * np.pi)
    reached = np.abs(sine) <= 1
    angle = np.degrees(2 * np.arcsin(np.where(reached, sine, 0.0)))
    return np.asarray(np.where(reached, angle, beyond))


def q_of(two_theta: NDArray[np.float64], wavelength: float) -> NDArray[np.float64]:
    """Return the lengths of the scattering vectors in 1/angstrom for angles in degrees and a wavelength in angstrom."""
    return np.asarray(4 * np.pi / wavelength * np.sin(np.radians(two_theta / 2)))
