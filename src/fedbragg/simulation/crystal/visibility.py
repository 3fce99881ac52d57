"""The significance of a spot, and the rule that turns visible spots into a label.

The significance is that of the likelihood ratio for Poisson counts (Li and Ma 1983, eq. 17, in the limit of a well
known background): sqrt(2 [(I + B) ln(1 + I / B) - I]) for I photons over B expected under the spot. It holds from
0.01 photons to 10,000, where it becomes I / sqrt(B).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import Label

VISIBLE = 6.0  # standard deviations; noise does not reach this at any of 10^8 positions
MAYBE_SPOTS = 3  # visible spots; fewer are a miss
HIT_SPOTS = 12  # visible spots; enough to index a lattice


def significance(intensity: NDArray[np.float64], background: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the significance (n,) of ``intensity`` photons over ``background`` expected photons, both (n,)."""
    total = np.maximum(intensity, 0)
    floor = np.maximum(background, 1e-9)
    squared = 2 * ((total + floor) * np.log1p(total / floor) - total)
    return np.asarray(np.sqrt(np.maximum(squared, 0)))


def photons_needed(background: NDArray[np.float64], wanted: float = VISIBLE) -> NDArray[np.float64]:
    """Return the photons (n,) that reach the ``wanted`` significance over each background (n,), by Newton's method."""
    floor = np.maximum(background, 1e-9)
    intensity = wanted * np.sqrt(floor) + wanted**2 / 4
    for _ in range(8):
        slope = np.log1p(intensity / floor)  # derivative of half the squared significance
        half = (intensity + floor) * slope - intensity
        intensity = np.maximum(intensity - (half - wanted**2 / 2) / slope, 1e-3)
    return intensity


def label_of(significances: NDArray[np.float64]) -> Label:
    """Return the label for spots of these significances (n,): hit from 12 visible spots, maybe from 3, else miss."""
    visible = int(np.count_nonzero(significances >= VISIBLE))
    if visible >= HIT_SPOTS:
        return Label.HIT
    return Label.MAYBE if visible >= MAYBE_SPOTS else Label.MISS
