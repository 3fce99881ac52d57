"""From photons on pixels to the numbers in the file: counting or integrating."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Detector
from fedbragg.simulation.detector.exposure import integrate
from fedbragg.simulation.random_streams import stream


def read_out(photons: NDArray[np.int32], detector: Detector, generator: np.random.Generator) -> NDArray[Any]:
    """Return the counts that a flawless detector writes for the photons on each pixel."""
    if not detector.integrating:
        return np.minimum(photons, detector.saturation).astype(detector.dtype)
    amplifier = (detector.gain, detector.offset, detector.read_noise, float(detector.saturation))
    counts = np.empty(photons.shape, np.int32)
    integrate(photons, point_spread(detector.point_spread), amplifier, stream(generator), counts)
    return counts.astype(detector.dtype)


def point_spread(sigma: float) -> NDArray[np.float32]:
    """Return one direction of a phosphor's point spread: a Gaussian with a broad foot, of sum 1."""
    offsets = np.arange(-3, 4)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2) + 0.02 * np.exp(-abs(offsets) / 1.5)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)
