"""Counts that do not come from scattered photons: zingers, hot pixels, dead pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Beamline, Detector


@dataclass(frozen=True, slots=True, eq=False)
class BadPixels:
    """Positions in the flattened detector."""

    hot: NDArray[np.int64]  # (n,), pixels that count without photons
    dead: NDArray[np.int64]  # (m,), pixels that never count


def add_zingers(
    counts: NDArray[Any], factor: float, extra: int, beamline: Beamline, generator: np.random.Generator
) -> None:
    """Add zingers to the counts (rows, cols): short random tracks of very uneven strength, rarely round like spots.

    Their number is Poisson about a gamma-distributed mean (negative binomial over frames): ``factor`` times the
    beamline's typical number, plus ``extra``.
    """
    background, detector = beamline.background, beamline.detector
    mean = background.zingers * factor * generator.gamma(background.zinger_shape) / background.zinger_shape
    rows, cols = counts.shape
    for _ in range(generator.poisson(mean) + extra):
        row, col = int(generator.integers(rows)), int(generator.integers(cols))
        strength = background.zinger_photons * detector.gain * np.exp(generator.normal(0, 0.7))
        for _ in range(1 + generator.poisson(max(background.zinger_size - 1, 0))):
            struck = float(counts[row, col]) + strength * generator.uniform(0.4, 1.6)
            counts[row, col] = int(min(struck, detector.saturation))
            row = min(max(row + int(generator.integers(-1, 2)), 0), rows - 1)
            col = min(max(col + int(generator.integers(-1, 2)), 0), cols - 1)


UNBOUNDED_SHARE = 0.15
"""Share of the hot pixels whose values reach up to the detector's largest count."""


def draw_bad_pixels(detector: Detector, generator: np.random.Generator) -> BadPixels:
    """Draw a run's hot and dead pixels."""
    size = detector.rows * detector.cols
    hot = generator.integers(size, size=generator.poisson(detector.hot * size))
    dead = generator.integers(size, size=generator.poisson(detector.dead * size))
    return BadPixels(hot, dead)


def apply_bad_pixels(
    counts: NDArray[Any], bad: BadPixels, detector: Detector, generator: np.random.Generator
) -> None:
    """Overwrite the hot pixels of the counts (rows, cols) with random values, the dead ones with 0."""
    hot = np.exp(generator.normal(np.log(20 + 30 * detector.gain), 1.5, size=len(bad.hot))) + detector.offset
    unbounded = generator.random(len(bad.hot)) < UNBOUNDED_SHARE
    hot[unbounded] = np.exp(generator.uniform(np.log(100), np.log(detector.saturation), size=unbounded.sum()))
    flat = counts.reshape(-1)
    flat[bad.hot] = np.minimum(hot, detector.saturation).astype(counts.dtype)
    flat[bad.dead] = 0
