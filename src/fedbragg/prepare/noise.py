"""What one photon is worth: gain, offset and read noise of a detector, read off a single frame.

A photon counter gives Poisson counts: variance = mean. An integrating detector of gain g (counts a photon), offset o
and read noise s gives variance = s^2 + g (mean - o): a line. Its slope g and intercept c are all that is needed, for

    photons = counts / g + c / g^2

has variance equal to its mean again, whatever o and s are (the shift of the generalised Anscombe transform). The same
Poisson test then serves every detector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

SAMPLED_BLOCKS = 3000
"""Blocks that are enough for a 2 % gain; a frame has tens of thousands."""
BINS = 12
COUNTER_TOLERANCE = 0.35
"""Variance / mean within this of 1 is a photon counter: rings and gradients raise the ratio, point spread lowers it."""


@dataclass(frozen=True, slots=True)
class PhotonScale:
    """Turn counts into equivalent photons: photons = counts * scale + shift."""

    scale: float = 1.0  # photons a count
    shift: float = 0.0  # photons, makes the variance equal the mean


COUNTER = PhotonScale()


def photon_scale(counts: NDArray[Any], mask: NDArray[np.bool_], block: int) -> PhotonScale:
    """Estimate the frame's photon scale from the variance and mean of a sample of its blocks."""
    mean, variance = _sample(counts, mask, block, SAMPLED_BLOCKS)
    mean, variance = _binned(mean[variance > 0], variance[variance > 0])
    if mean.size == 0:
        return COUNTER
    if np.all(mean > 0) and abs(np.median(variance / mean) - 1) < COUNTER_TOLERANCE:
        return COUNTER
    gain, intercept = _line(mean, variance)
    return PhotonScale(scale=1 / gain, shift=intercept / gain**2)


def _binned(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the median mean and variance of blocks of like brightness, so that spots and edges do not count."""
    if mean.size < BINS:
        return np.empty(0), np.empty(0)
    groups = np.array_split(np.argsort(mean), BINS)
    return (
        np.array([np.median(mean[group]) for group in groups]),
        np.array([np.median(variance[group]) for group in groups]),
    )


def _line(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> tuple[float, float]:
    """Fit variance = gain * mean + intercept with equal relative errors; fall back where the frame is too flat."""
    weight = 1 / variance
    gain, intercept = np.linalg.lstsq(
        np.stack([mean * weight, weight], axis=1), np.ones_like(mean), rcond=None
    )[0]
    steady = mean.max() - mean.min() > 0.3 * np.sqrt(variance.min())
    if steady and gain > 0 and np.all(gain * mean + intercept > 0.2 * variance):
        return float(gain), float(intercept)
    if np.all(mean > 0):
        return float(np.median(variance / mean)), 0.0
    # Dark-subtracted and empty: only the read noise shows. 25 equivalent photons make it Gaussian.
    return float(np.sqrt(np.median(variance)) / 5), float(np.median(variance))


@njit(cache=True, nogil=True)
def _sample(
    counts: NDArray[Any], mask: NDArray[np.bool_], block: int, wanted: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of about ``wanted`` blocks without masked pixels, spread evenly over the frame."""
    cell_rows, cell_cols = counts.shape[0] // block, counts.shape[1] // block
    step = max(1, cell_rows * cell_cols // wanted)
    mean = np.zeros(cell_rows * cell_cols // step + 1)
    variance = np.zeros(mean.size)
    found = 0
    for cell in range(step // 2, cell_rows * cell_cols, step):
        row, column = cell // cell_cols * block, cell % cell_cols * block
        total, squares, masked = 0.0, 0.0, False
        for i in range(row, row + block):
            for j in range(column, column + block):
                masked |= mask[i, j]
                value = float(counts[i, j])
                total += value
                squares += value * value
        if not masked:
            pixels = block * block
            mean[found] = total / pixels
            variance[found] = (squares - total * total / pixels) / (pixels - 1)
            found += 1
    return mean[:found], variance[:found]
