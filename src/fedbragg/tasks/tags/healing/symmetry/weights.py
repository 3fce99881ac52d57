"""Weigh each estimate by its errors on measured pixels that are hidden on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

MOST_BANDS = 12
BAND_PIXELS = 400
"""Hidden pixels that a band of radius needs for weights of its own."""
TRUST_ALL, TRUST_BAND = 50.0, 400.0
"""Pixels that the mean over the image counts as beside a band's own, and a band's mean beside those of one block."""
OUTLIERS = 0.5
"""Per cent of the hidden pixels that no estimate meets: spots and defects, left out."""
PASSES = 200
RIDGE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Estimates of hidden pixels, and the counts measured there."""

    estimates: NDArray[np.float32]  # (pixels, estimates), NaN where there is none
    truth: NDArray[np.float32]  # (pixels,) counts
    radius: NDArray[np.float32]  # (pixels,) pixel
    block: NDArray[np.int64]  # (pixels,) which part of the image a pixel lies in


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Mean products of the estimates' errors in squared counting errors, by place."""

    edges: NDArray[np.float64]  # (bands - 1,) pixel, radii between the bands
    by_band: NDArray[np.float64]  # (bands, estimates, estimates)
    sums: NDArray[np.float64]  # (blocks, estimates, estimates) products summed
    numbers: NDArray[np.float64]  # (blocks, estimates, estimates) pixels that have both estimates

    def at(
        self, radius: NDArray[np.float32], block: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return each pixel's cell (pixels,), and each cell's mean products (cells, estimates, estimates)."""
        bands = len(self.by_band)
        cells, cell = np.unique(block * bands + np.searchsorted(self.edges, radius), return_inverse=True)
        band, part = cells % bands, np.minimum(cells // bands, len(self.sums) - 1)
        products = (self.sums[part] + TRUST_BAND * self.by_band[band]) / (self.numbers[part] + TRUST_BAND)
        return cell, products


def errors_of(trial: Trial, blocks: int) -> Errors:
    """Compare estimates with the truth; ``blocks`` is the number of parts of the image."""
    expected = np.nanmedian(trial.estimates, axis=1, keepdims=True)
    scaled = (trial.estimates - trial.truth[:, None]) / np.sqrt(np.maximum(expected, 0) + 1)
    nearest = np.nanmin(np.abs(scaled), axis=1)
    usual = nearest <= max(float(np.percentile(nearest, 100 - OUTLIERS)), 3.0)
    scaled, radius, block = scaled[usual], trial.radius[usual], trial.block[usual]
    bands = int(np.clip(len(radius) // BAND_PIXELS, 1, MOST_BANDS))
    edges = np.quantile(radius, np.arange(1, bands) / bands)
    overall = _overall(scaled)
    sums, numbers = _products(scaled, np.searchsorted(edges, radius), bands)
    by_band = (sums + TRUST_ALL * overall) / (numbers + TRUST_ALL)
    return Errors(edges, by_band, *_products(scaled, block, blocks))


def untested(estimates: int) -> Errors:
    """Return errors where no pixel could be hidden: all estimates alike, and half of an error shared."""
    alike = 0.5 + 0.5 * np.eye(estimates)
    return Errors(np.empty(0), alike[None], np.zeros((1, *alike.shape)), np.zeros((1, *alike.shape)))


def combined(
    estimates: NDArray[np.float32], cell: NDArray[np.int64], products: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return each pixel's weighted mean (pixels,), NaN without any estimate, and the weights (pixels, estimates)."""
    there = np.isfinite(estimates)
    number = there.shape[1]
    pattern = (cell << number) + there @ (1 << np.arange(number))
    _, first, group = np.unique(pattern, return_index=True, return_inverse=True)
    weights = np.zeros((len(first), number), np.float32)
    for i, pixel in enumerate(first):
        known = np.flatnonzero(there[pixel])
        if known.size:
            weights[i, known] = best_weights(products[cell[pixel]][np.ix_(known, known)])
    mean = (np.where(there, estimates, 0) * weights[group]).sum(axis=1)
    return np.where(there.any(axis=1), mean, np.nan).astype(np.float32), weights[group]


@njit(nogil=True, cache=True)
def best_weights(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights, 0 or more and of sum 1, that minimise w' P w.

    Weight moves from the estimate with the steepest rise to that with the least (Frank and Wolfe 1956, pairwise).
    """
    n = products.shape[0]
    steady = products + RIDGE * np.trace(products) / n * np.eye(n)
    weights = np.full(n, 1 / n)
    for _ in range(PASSES):
        slope = steady @ weights
        to = np.argmin(slope)
        source = np.argmax(np.where(weights > 0, slope, -np.inf))
        curve = steady[to, to] + steady[source, source] - 2 * steady[to, source]
        step = min((slope[source] - slope[to]) / max(curve, 1e-12), weights[source])
        if step <= 1e-6:
            break
        weights[to] += step
        weights[source] -= step
    return weights


def _overall(scaled: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean products over all pixels; for a pair that seldom meets, half of the mean square."""
    sums, numbers = (part[0] for part in _products(scaled, np.zeros(len(scaled), np.int64), 1))
    square = float(sums.trace() / max(numbers.trace(), 1))
    return np.where(
        numbers >= TRUST_ALL, sums / np.maximum(numbers, 1), square * (0.5 + 0.5 * np.eye(len(sums)))
    )


def _products(
    scaled: NDArray[np.float32], group: NDArray[np.int64], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (groups, estimates, estimates): products of errors, summed, and how many pixels have both."""
    order = np.argsort(group, kind="stable")
    ends = np.searchsorted(group[order], np.arange(groups + 1))
    there = np.isfinite(scaled[order])
    errors, there = np.where(there, scaled[order], 0).astype(np.float64), there.astype(np.float64)
    parts = [slice(first, last) for first, last in pairwise(ends)]
    return np.stack([errors[p].T @ errors[p] for p in parts]), np.stack(
        [there[p].T @ there[p] for p in parts]
    )
