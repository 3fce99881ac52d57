"""Turn photons on pixels into the counts in the file, for counting and integrating detectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Detector
from fedbragg.simulation.random_streams import STEP, normal, random_stream, uniform


def read_out(photons: NDArray[np.int32], detector: Detector, generator: np.random.Generator) -> NDArray[Any]:
    """Return the counts (rows, cols) that a detector without defects writes for these photons (rows, cols)."""
    if not detector.integrating:
        return np.minimum(photons, detector.saturation).astype(detector.dtype)
    amplifier = (detector.gain, detector.offset, detector.read_noise, float(detector.saturation))
    counts = np.empty(photons.shape, np.int32)
    integrate(photons, point_spread(detector.point_spread), amplifier, random_stream(generator), counts)
    return counts.astype(detector.dtype)


def point_spread(sigma: float) -> NDArray[np.float32]:
    """Return the point spread of a phosphor along one axis (7,): a Gaussian with broad tails, of sum 1."""
    offsets = np.arange(-3, 4)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2) + 0.02 * np.exp(-abs(offsets) / 1.5)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


@njit(nogil=True, cache=True)
def integrate(photons, kernel, amplifier, position, out):  # type: ignore[no-untyped-def]
    """Blur photons (rows, cols) by ``kernel`` along both axes, amplify, add offset and read noise, digitise.

    ``amplifier`` is (gain, offset, read noise, largest count), all in counts; ``position`` starts a stream.
    """
    gain, offset, noise, most = amplifier
    rows, cols = photons.shape
    half = kernel.size // 2
    across = np.zeros((rows, cols), np.float32)
    for row in range(rows):
        for col in range(cols):
            number = photons[row, col]
            if number != 0:
                for k in range(-half, half + 1):
                    across[row, min(max(col + k, 0), cols - 1)] += np.float32(number) * kernel[k + half]
    down = np.empty(cols, np.float32)
    for row in range(rows):
        down[:] = 0
        for k in range(-half, half + 1):
            source = min(max(row + k, 0), rows - 1)
            for col in range(cols):
                down[col] += across[source, col] * kernel[k + half]
        for col in range(cols):
            position += STEP
            level = offset + gain * down[col] + noise * normal(uniform(position))
            out[row, col] = int(min(max(level + 0.5, 0.0), most))
