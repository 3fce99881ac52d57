"""What a detector shows that no scattering made: zingers, hot and dead pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Beamline, Detector


def zing(
    counts: NDArray[Any], factor: float, extra: int, beamline: Beamline, generator: np.random.Generator
) -> None:
    """Add clusters of struck pixels: short wandering tracks of very uneven strength, seldom round like spots.

    Their number is Poisson about a mean that wanders from frame to frame itself (negative binomial): ``factor`` times
    the beamline's usual one, and ``extra`` beyond it.
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


WILD = 0.15
"""Share of the hot pixels that show anything up to the detector's largest count."""


def bad_pixels(
    detector: Detector, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw the places, in the flattened detector, of a run's hot and dead pixels."""
    size = detector.rows * detector.cols
    return (
        generator.integers(size, size=generator.poisson(detector.hot * size)),
        generator.integers(size, size=generator.poisson(detector.dead * size)),
    )


def spoil(
    counts: NDArray[Any],
    bad: tuple[NDArray[np.int64], NDArray[np.int64]],
    detector: Detector,
    generator: np.random.Generator,
) -> None:
    """Let hot pixels count by themselves, a few of them without bound, and dead ones not at all."""
    hot, dead = bad
    stuck = np.exp(generator.normal(np.log(20 + 30 * detector.gain), 1.5, size=len(hot))) + detector.offset
    wild = generator.random(len(hot)) < WILD
    stuck[wild] = np.exp(generator.uniform(np.log(100), np.log(detector.saturation), size=wild.sum()))
    flat = counts.reshape(-1)
    flat[hot] = np.minimum(stuck, detector.saturation).astype(counts.dtype)
    flat[dead] = 0
