"""The peak-position score: the height of a phase's strongest lines over the pattern's own spread. No training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.bragg import two_theta_of
from fedbragg.simulation.powder import Phase

LINES = 5
"""The strongest lines that the pattern covers."""
NEAR, RING = 0.15, 0.4
"""Degrees: the line is sought within the first, its surroundings reach to the second."""


def peak_position_score(
    two_theta: NDArray[np.float64], intensity: NDArray[np.float64], phase: Phase, wavelength: float
) -> float:
    """Return the mean over the lines of (highest point near it - median around it) / scaled MAD around it."""
    places = two_theta_of(phase.q(), wavelength)
    covered = [i for i in np.argsort(-phase.intensity) if 4.7 < places[i] < 24.7][:LINES]
    rises = []
    for place in places[covered]:
        distance = np.abs(two_theta - place)
        on, around = distance <= NEAR, (distance > NEAR) & (distance <= RING)
        middle = np.median(intensity[around])
        spread = 1.4826 * np.median(np.abs(intensity[around] - middle)) + 1e-12
        rises.append((intensity[on].max() - middle) / spread)
    return float(np.mean(rises))
