"""Estimate where the direct beam meets the plane of the detector, from measured pixels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.beam.agreement import agreement, cost_near
from fedbragg.tasks.tags.healing.beam.picture import Picture, picture
from fedbragg.tasks.tags.healing.beam.simplex import minimum
from fedbragg.tasks.tags.healing.beam.starts import starts
from fedbragg.tasks.tags.healing.healed import GappedImage

CELLS = 160
"""Cells along the longer edge of the coarse picture; the fine one has three times as many."""
MOVED, LEAST_MOVED = 0.012, 6.0
"""Share of the longer edge, and pixels at least, by which the beam is moved to measure how fast the agreement falls."""
HALF_SURE = 0.01
"""Loss of agreement by that move at which the confidence is one half."""
SURE = 0.65
"""Confidence from which a beam is right within three pixels in almost every simulated image."""


@dataclass(frozen=True, slots=True)
class Beam:
    """Where the direct beam meets the detector's plane."""

    column: float  # pixel, 0 at the centre of the first; may lie off the detector
    row: float  # pixel
    confidence: float  # 0 to 1: how much worse the places around it agree; 1 where the beam was given


def estimate_beam(image: GappedImage) -> Beam:
    """Return the beam of an image: where rings are sharpest and the point reflection agrees best."""
    longest = max(image.counts.shape)
    coarse = picture(image.counts, image.measured, max(1, round(longest / CELLS)))
    found = [minimum(cost_near(coarse, start), start, 3.0, 0.1) for start in starts(coarse)]
    best = max(found, key=lambda place: agreement(coarse, place).score)
    fine = picture(image.counts, image.measured, max(1, round(coarse.cell / 3)))
    start = fine.to_cells(coarse.to_pixels(best))
    place = minimum(cost_near(fine, start), start, 1.5, 0.02)
    lost = _lost(coarse, coarse.to_cells(fine.to_pixels(place)), max(MOVED * longest, LEAST_MOVED))
    column, row = fine.to_pixels(place).tolist()
    return Beam(column, row, max(lost, 0.0) / (max(lost, 0.0) + HALF_SURE))


def _lost(image: Picture, place: NDArray[np.float64], pixels: float) -> float:
    """Return how much the agreement falls when the beam moves by some pixels, in the direction where it falls least."""
    cost, away = cost_near(image, place), pixels / image.cell
    angles = np.arange(8) * np.pi / 4
    moved = [cost(place + away * np.array([np.cos(angle), np.sin(angle)])) for angle in angles]
    return min(moved) - cost(place)
