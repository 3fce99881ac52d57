"""Estimate from a single frame how its counts scale to photons: gain, offset, read noise and blur of the detector.

A photon counter gives Poisson counts: variance = mean. An integrating detector of gain g (counts a photon), offset o
and read noise s gives variance = s^2 + g (mean - o), a line. Its slope g and intercept c are enough, because

    photons = counts / g + c / g^2

has variance equal to its mean again, for any o and s (the shift of the generalised Anscombe transform). So the same
Poisson test serves every detector.

The variance is that of sums over 3 x 3 pixels, per pixel, because the test uses such sums. Point spread correlates
neighbours, which lowers the variance of a pixel much and that of a sum less. At a point spread of 0.7 pixels (standard
deviation) the estimate is a tenth too low, at 1 pixel a quarter, because the compared sums are then correlated too. The
variance is computed from a - b - c + d of the four quarters of a block, in which an even slope cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.medians import median
from fedbragg.tasks.hits.prepare.pixels import Blocks

BINS = 12
SMALLEST_QUARTER = 3
"""Pixels along the edge of the smallest quarter of a block with room for a 3 x 3 sum."""
MEDIAN_OF_VARIANCE = (
    0.454, 0.676, 0.782, 0.846, 0.889, 0.916, 0.936, 0.948, 0.957, 0.964, 0.970, 0.975, 0.978, 0.981,
)  # fmt: skip
"""Median over true variance of one block's estimate in white noise, by simulation (250,000 blocks), for quarters of
3 x 3, 4 x 4 ... pixels: the fewer sums, the more skewed. The last value also serves larger quarters."""
ENOUGH_BLOCKS = 200
"""So many blocks give the mean variance within a tenth."""
COUNTER_TOLERANCE = 0.35
"""A detector whose variance / mean is this close to 1 is a photon counter; charge sharing and rings shift it less."""


@dataclass(frozen=True, slots=True)
class PhotonScale:
    """The conversion from counts to equivalent photons: photons = counts * scale + shift."""

    scale: float = 1.0  # photons a count
    shift: float = 0.0  # photons, makes the variance equal the mean


COUNTER = PhotonScale()


def photon_scale(blocks: Blocks) -> PhotonScale:
    """Estimate the frame's photon scale from a sample of its blocks; with too few, assume a photon counter."""
    planes = (blocks.valid.ravel(), blocks.total.ravel(), blocks.peak.ravel())
    mean, variance, quiet = _sampled(*planes, blocks.variance, blocks.step, blocks.size**2)
    if mean.size < BINS or not variance.any() or _counts_photons(mean, variance, quiet):
        return COUNTER
    quarter = min(blocks.size // 2 - SMALLEST_QUARTER, len(MEDIAN_OF_VARIANCE) - 1)
    gain, intercept = _line(*_binned(mean, variance, MEDIAN_OF_VARIANCE[quarter]))
    return PhotonScale(scale=1 / gain, shift=intercept / gain**2)


@njit(cache=True, nogil=True)
def _sampled(
    valid: NDArray[np.float32],
    total: NDArray[np.float32],
    peak: NDArray[np.float32],
    variance: NDArray[np.float64],
    step: int,
    pixels: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return mean and variance of the sampled blocks of which no pixel is masked, and which of them have no spot."""
    mean, known, quiet = np.empty(variance.size), np.empty(variance.size), np.empty(variance.size, np.bool_)
    number = 0
    for sample in range(variance.size):
        block = step // 2 + sample * step
        if valid[block] == pixels:
            mean[number], known[number] = np.float64(total[block]) / pixels, variance[sample]
            quiet[number] = peak[block] <= mean[number] + 5 * math.sqrt(max(mean[number], 0.0)) + 5
            number += 1
    return mean[:number], known[:number], quiet[:number]


def _counts_photons(mean: NDArray[Any], variance: NDArray[Any], quiet: NDArray[np.bool_]) -> bool:
    """Tell whether the variance of blocks without spots equals their mean, also in the dim half alone.

    An offset can make the two equal by chance over a whole frame, but not in its dim and bright parts as well.
    """
    if mean.min() < 0:
        return False
    mean, variance = mean[quiet], variance[quiet]
    # Below one count a pixel there is no room for an offset, and the dim half is below the mean of all.
    if mean.size // 2 >= ENOUGH_BLOCKS and mean.mean() >= 1:
        dim = np.argsort(mean)[: mean.size // 2]
        if mean[dim].mean() >= 1 and not _equal(mean[dim], variance[dim]):
            return False
    return _equal(mean, variance)


def _equal(mean: NDArray[Any], variance: NDArray[Any]) -> bool:
    total = mean.sum()
    return bool(total > 0 and abs(variance.sum() / total - 1) < COUNTER_TOLERANCE)


def _binned(
    mean: NDArray[np.float64], variance: NDArray[np.float64], skew: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the median mean and variance in bins of equal brightness, which ignores spots and edges.

    ``skew`` is the median of the variance estimate over the true variance.
    """
    order = np.argsort(mean)
    ends = np.cumsum([len(group) for group in np.array_split(order, BINS)])
    spread = _medians(variance[order], ends) / skew
    return _medians(mean[order], ends), np.maximum(spread, 1e-6)


@njit(cache=True, nogil=True)
def _medians(values: NDArray[np.float64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the median of each stretch of values that ends before one of ``ends``; the values change places."""
    found = np.empty(ends.size)
    start = 0
    for stretch in range(ends.size):
        found[stretch] = median(values[start : ends[stretch]])
        start = ends[stretch]
    return found


def _line(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> tuple[float, float]:
    """Fit variance = gain * mean + intercept with equal relative errors; fall back if the frame is too flat."""
    weight = 1 / variance
    gain, intercept = np.linalg.lstsq(
        np.stack([mean * weight, weight], axis=1), np.ones_like(mean), rcond=None
    )[0]
    wide = np.ptp(mean) > 0.3 * np.sqrt(variance.min())
    if wide and gain > 0 and np.all(gain * mean + intercept > 0.2 * variance):
        return float(gain), float(intercept)
    bright = mean > 0  # a shadow or an unmasked gap carries no information on the gain
    if mean.min() >= 0 and bright.any():
        return float(np.median(variance[bright] / mean[bright])), 0.0
    # An empty frame with the dark counts subtracted shows only read noise. 25 equivalent photons make it Gaussian.
    return float(np.sqrt(np.median(variance)) / 5), float(np.median(variance))
