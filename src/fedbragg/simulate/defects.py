"""What a detector shows that no scattering made: zingers, hot and dead pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulate.beamline import Background, Detector


def zing(
    photons: NDArray[np.int32], number: int, background: Background, generator: np.random.Generator
) -> None:
    """Add clusters of struck pixels: short wandering tracks of very uneven strength, seldom round like spots."""
    rows, cols = photons.shape
    for _ in range(number):
        row, col = int(generator.integers(rows)), int(generator.integers(cols))
        strength = background.zinger_photons * np.exp(generator.normal(0, 0.7))
        for _ in range(1 + generator.poisson(max(background.zinger_size - 1, 0))):
            photons[row, col] += round(strength * generator.uniform(0.4, 1.6))
            row = min(max(row + int(generator.integers(-1, 2)), 0), rows - 1)
            col = min(max(col + int(generator.integers(-1, 2)), 0), cols - 1)


def zinger_number(background: Background, factor: float, generator: np.random.Generator) -> int:
    """Draw how many clusters a frame has: Poisson about a mean that itself wanders (negative binomial)."""
    mean = background.zingers * factor * generator.gamma(background.zinger_shape) / background.zinger_shape
    return int(generator.poisson(mean))


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
    most = min(detector.saturation, int(np.iinfo(counts.dtype).max))
    stuck = np.exp(generator.normal(np.log(20 + 30 * detector.gain), 1.5, size=len(hot))) + detector.offset
    flat = counts.reshape(-1)
    flat[hot] = np.minimum(stuck, most).astype(counts.dtype)
    flat[dead] = 0
