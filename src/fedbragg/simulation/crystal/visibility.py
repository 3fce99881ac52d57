"""How well a spot stands out, and the one rule that turns spots into a label.

Significance is that of the likelihood ratio for Poisson counts (Li and Ma 1983, eq. 17, in the limit of a well
known background): sqrt(2 [(I + B) ln(1 + I / B) - I]) for I photons over B expected under the spot. It is right at
0.01 photons as at 10,000, where it becomes I / sqrt(B).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import Label

VISIBLE = 6.0  # standard deviations; above, chance makes none on 10^8 places
MAYBE_SPOTS = 3  # visible spots; fewer are a miss
HIT_SPOTS = 12  # visible spots; this many index a lattice beyond doubt


def significance(intensity: NDArray[np.float64], background: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the significance of ``intensity`` photons above ``background`` expected photons."""
    total = np.maximum(intensity, 0)
    floor = np.maximum(background, 1e-9)
    squared = 2 * ((total + floor) * np.log1p(total / floor) - total)
    return np.asarray(np.sqrt(np.maximum(squared, 0)))


def needed(background: NDArray[np.float64], wanted: float = VISIBLE) -> NDArray[np.float64]:
    """Return the photons that reach a significance above each background, by Newton's method."""
    floor = np.maximum(background, 1e-9)
    intensity = wanted * np.sqrt(floor) + wanted**2 / 4
    for _ in range(8):
        slope = np.log1p(intensity / floor)  # derivative of half the squared significance
        half = (intensity + floor) * slope - intensity
        intensity = np.maximum(intensity - (half - wanted**2 / 2) / slope, 1e-3)
    return intensity


def label_of(significances: NDArray[np.float64]) -> Label:
    """Return hit for 12 visible spots or more, miss below 3, else maybe; the same at every beamline."""
    visible = int(np.count_nonzero(significances >= VISIBLE))
    if visible >= HIT_SPOTS:
        return Label.HIT
    return Label.MAYBE if visible >= MAYBE_SPOTS else Label.MISS
