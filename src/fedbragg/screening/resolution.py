"""How far a frame's spots reach, as users of spot finders expect it: in angstrom, where the geometry is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.bragg import q_of
from fedbragg.types import Geometry

REACHED = 90
"""Percentile of the spots' 1/d that counts as their resolution: a few false spots must not decide it."""


def resolution(places: NDArray[np.integer], geometry: Geometry) -> float | None:
    """Return the resolution in angstrom, three digits, of spots at row and column (2, spots); None where unknown.

    The detector is taken to stand upright in the beam.
    """
    inverse = inverse_spacings(places, geometry)
    if inverse is None or not inverse.size:
        return None
    reached = float(np.percentile(inverse, REACHED))
    return float(f"{1 / reached:.3g}") if reached > 0 else None


def inverse_spacings(places: NDArray[np.integer], geometry: Geometry) -> NDArray[np.float64] | None:
    """Return 1/d in 1/angstrom of pixels at row and column (2, pixels); None where the geometry is not known."""
    wavelength, distance = geometry.wavelength, geometry.distance
    centre, pixel = geometry.beam_centre, geometry.pixel_size
    if not wavelength or not distance or centre is None or pixel is None:
        return None
    across = (places[1] - centre[0]) * pixel[0]
    along = (places[0] - centre[1]) * pixel[1]
    two_theta = np.degrees(np.arctan2(np.hypot(across, along), distance))
    return q_of(two_theta, wavelength) / (2 * np.pi)
