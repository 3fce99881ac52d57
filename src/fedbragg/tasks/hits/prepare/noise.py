"""What one photon is worth: gain, offset, read noise and blur of a detector, read off a single frame.

A photon counter gives Poisson counts: variance = mean. An integrating detector of gain g (counts a photon), offset o
and read noise s gives variance = s^2 + g (mean - o): a line. Its slope g and intercept c are all that is needed, for

    photons = counts / g + c / g^2

has variance equal to its mean again, whatever o and s are (the shift of the generalised Anscombe transform). The same
Poisson test then serves every detector.

The variance is that of sums over 3 x 3 pixels, per pixel, for such sums are what is tested: point spread makes
neighbours alike, which lowers the variance of a pixel much and that of a sum less. Where its standard deviation is 0.7
pixels the estimate is a tenth too low, at 1 pixel a quarter, for the sums compared are then alike too. It is taken from
contrasts between the four quarters of a block, a - b - c + d, in which an even slope of the background cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.pixels import Blocks

BINS = 12
SMALLEST_QUARTER = 3
"""Pixels along the edge of the smallest quarter of a block that holds 3 x 3 of them."""
MEDIAN_OF_VARIANCE = (
    0.454, 0.676, 0.782, 0.846, 0.889, 0.916, 0.936, 0.948, 0.957, 0.964, 0.970, 0.975, 0.978, 0.981,
)  # fmt: skip
"""Median over true variance of one block's estimate in white noise, by simulation (250,000 blocks), for quarters of
3 x 3, 4 x 4 ... pixels: the fewer sums, the more skewed; the last serves larger ones too."""
ENOUGH_BLOCKS = 200
"""Blocks from which a mean variance is known within a tenth."""
COUNTER_TOLERANCE = 0.35
"""Variance / mean within this of 1 is a photon counter; charge sharing and rings shift it by less."""


@dataclass(frozen=True, slots=True)
class PhotonScale:
    """Turn counts into equivalent photons: photons = counts * scale + shift."""

    scale: float = 1.0  # photons a count
    shift: float = 0.0  # photons, makes the variance equal the mean


COUNTER = PhotonScale()


def photon_scale(blocks: Blocks) -> PhotonScale:
    """Estimate the frame's photon scale from a sample of its blocks; too few whole blocks make it a photon counter."""
    pixels = blocks.size**2
    sampled = slice(blocks.step // 2, None, blocks.step)
    whole = blocks.valid.ravel()[sampled] == pixels
    mean = blocks.total.ravel()[sampled][whole].astype(np.float64) / pixels
    variance, highest = blocks.variance[whole], blocks.peak.ravel()[sampled][whole]
    if mean.size < BINS or not variance.any() or _counts_photons(mean, variance, highest):
        return COUNTER
    quarter = min(blocks.size // 2 - SMALLEST_QUARTER, len(MEDIAN_OF_VARIANCE) - 1)
    gain, intercept = _line(*_binned(mean, variance, MEDIAN_OF_VARIANCE[quarter]))
    return PhotonScale(scale=1 / gain, shift=intercept / gain**2)


def _counts_photons(mean: NDArray[Any], variance: NDArray[Any], highest: NDArray[Any]) -> bool:
    """Say whether blocks without spots have the variance of photons, the dim half of them by itself as well.

    An offset can make variance and mean of a whole frame alike by chance, but not where it is dim and bright.
    """
    if mean.min() < 0:
        return False
    quiet = np.flatnonzero(highest <= mean + 5 * np.sqrt(mean) + 5)
    dim = quiet[np.argsort(mean[quiet])[: quiet.size // 2]]
    enough = (
        dim.size >= ENOUGH_BLOCKS and mean[dim].mean() >= 1
    )  # less than a count has no room for an offset
    if enough and not _alike(mean[dim], variance[dim]):
        return False
    return _alike(mean[quiet], variance[quiet])


def _alike(mean: NDArray[Any], variance: NDArray[Any]) -> bool:
    total = mean.sum()
    return bool(total > 0 and abs(variance.sum() / total - 1) < COUNTER_TOLERANCE)


def _binned(
    mean: NDArray[np.float64], variance: NDArray[np.float64], skew: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the median mean and variance of blocks of like brightness, so that spots and edges do not count.

    ``skew`` is the median over the true variance.
    """
    groups = np.array_split(np.argsort(mean), BINS)
    spread = np.array([np.median(variance[group]) for group in groups]) / skew
    return np.array([np.median(mean[group]) for group in groups]), np.maximum(spread, 1e-6)


def _line(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> tuple[float, float]:
    """Fit variance = gain * mean + intercept with equal relative errors; fall back where the frame is too flat."""
    weight = 1 / variance
    gain, intercept = np.linalg.lstsq(
        np.stack([mean * weight, weight], axis=1), np.ones_like(mean), rcond=None
    )[0]
    steady = np.ptp(mean) > 0.3 * np.sqrt(variance.min())
    if steady and gain > 0 and np.all(gain * mean + intercept > 0.2 * variance):
        return float(gain), float(intercept)
    lit = mean > 0  # a shadow or a gap without a mask is dark and tells nothing
    if mean.min() >= 0 and lit.any():
        return float(np.median(variance[lit] / mean[lit])), 0.0
    # Dark-subtracted and empty: only the read noise shows. 25 equivalent photons make it Gaussian.
    return float(np.sqrt(np.median(variance)) / 5), float(np.median(variance))
