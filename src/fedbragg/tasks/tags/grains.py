"""Measure the graininess of each part of an image: variation in every direction between pixels, beyond counting noise.

Grains of a powder are one or two pixels wide on most detectors, a network's cells several. A smooth ring
changes along one direction, grains along all: the smaller eigenvalue of the structure tensor separates them.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FEWEST = 4.0
"""Fewest squares of 2 x 2 pixels for a part to be judged: those in 3 x 3 pixels."""
QUIET = 0.25
"""Share of the parts assumed to show only noise; the image's gain comes from them."""
DEVIATIONS = 5.0
"""Standard deviations by which a part must exceed the quietest ones' noise; of parts with noise alone, 1 in 70 does."""
FINE = 0.1
"""Contrast that the logarithm still distinguishes from none."""


def graininess(
    counts: NDArray[np.generic],
    mask: NDArray[np.bool_],
    row_starts: NDArray[np.int64],
    col_starts: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return 1 + contrast / FINE of each part (parts down, parts across) of an image, cut before the pixels given.

    Contrast is the root of the roughness beyond noise, over the mean: it depends on neither exposure nor gain. A count
    that is not finite is invalid. The structure tensor is the mean of the products of the two diagonal differences in
    each square of 2 x 2 pixels (Roberts 1963): they share no pixel, so counting noise adds as much to both of their
    squares and nothing to their product.
    """
    sums = np.zeros((3, len(row_starts) - 1, len(col_starts) - 1), np.float32)
    out = np.ones(sums.shape[1:], np.float32)
    if min(np.diff(row_starts).max(), np.diff(col_starts).max()) < 3:
        return out
    _roughness(counts, mask, row_starts, col_starts, sums)
    rough, squares, light = sums
    _contrast(rough, squares, light, _gain(rough, squares, light), out)
    return out


def _gain(rough: NDArray[np.float32], squares: NDArray[np.float32], light: NDArray[np.float32]) -> float:
    """Return the noise variance for each count of light, as in the quietest parts.

    It contains a read noise in proportion. Where nearly all parts are rough, it is too large and the contrast small.
    """
    judged = (squares >= FEWEST) & (light > 0)
    if not judged.any():
        return 0.0
    ratios = rough[judged] / (2 * light[judged])
    place = int(QUIET * ratios.size)
    return float(np.partition(ratios, place)[place])


@njit(nogil=True, cache=True, error_model="numpy")
def _contrast(rough, squares, light, gain, out):  # type: ignore[no-untyped-def]
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            mean, number = light[row, col], squares[row, col]
            noise = gain * mean  # variance of a count
            if number >= FEWEST and mean > 0 and rough[row, col] > 2 * noise:
                relative = np.sqrt((2 + gain / mean) / number)  # of a Poisson variance, by its fourth moment
                beyond = rough[row, col] - 2 * noise * (1 + DEVIATIONS * relative)
                if beyond > 0:
                    out[row, col] = 1 + np.sqrt(beyond) / (mean * FINE)


@njit(nogil=True, cache=True, error_model="numpy")
def _roughness(counts, mask, row_starts, col_starts, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` with each part's smaller eigenvalue, its squares, and the mean of their pixels: rows first."""
    cols = counts.shape[1]
    columns = np.empty((5, cols), np.float32)
    upper, middle, lower = (
        np.empty((2, cols), np.float32),
        np.empty((2, cols), np.float32),
        np.empty((2, cols), np.float32),
    )
    for i in range(row_starts.size - 1):
        first, last = row_starts[i], row_starts[i + 1] - 1
        columns[:] = 0
        _read(counts[first], mask[first], upper)
        for row in range(first + 1, last + 1, 2):  # two rows more at a time: a third less to read and write
            _read(counts[row], mask[row], middle)
            if row == last:
                lower[:] = 0
            else:
                _read(counts[row + 1], mask[row + 1], lower)
            _add_squares(upper, middle, lower, columns)
            upper, lower = lower, upper
        for j in range(col_starts.size - 1):
            a, b, c, light, number = np.float32(0), np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for col in range(col_starts[j], col_starts[j + 1] - 1):
                a += columns[0, col]
                b += columns[1, col]
                c += columns[2, col]
                light += columns[3, col]
                number += columns[4, col]
            if number > 0:
                half, apart = np.float32(0.5) * (a + b), np.float32(0.5) * (a - b)
                out[0, i, j] = max(half - np.sqrt(apart * apart + c * c), np.float32(0)) / number
                out[1, i, j], out[2, i, j] = number, np.float32(0.5) * light / number


@njit(inline="always", fastmath={"nsz", "contract"})
def _read(counts, mask, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (2, cols) with a row's counts, 0 where invalid, and with 1 where valid, else 0."""
    value, valid = out[0], out[1]
    for col in range(counts.size):
        count = np.float32(counts[col])
        good = np.float32(1) if (not mask[col]) and abs(count) < np.float32(3e38) else np.float32(0)
        value[col] = count if good > 0 else np.float32(0)
        valid[col] = good


@njit(inline="always", fastmath={"nsz", "contract"})
def _add_squares(uppers, middles, lowers, columns):  # type: ignore[no-untyped-def]
    """Add up the squares among three rows, each at its left column: products of differences, light, number."""
    upper, middle, lower = uppers[0], middles[0], lowers[0]
    upper_valid, middle_valid, lower_valid = uppers[1], middles[1], lowers[1]
    falling, rising, both, light, number = columns[0], columns[1], columns[2], columns[3], columns[4]
    for col in range(upper.size - 1):
        good = middle_valid[col] * middle_valid[col + 1]
        above = upper_valid[col] * upper_valid[col + 1] * good
        below = lower_valid[col] * lower_valid[col + 1] * good
        fall, rise = above * (middle[col + 1] - upper[col]), above * (middle[col] - upper[col + 1])
        next_fall, next_rise = below * (lower[col + 1] - middle[col]), below * (lower[col] - middle[col + 1])
        falling[col] += fall * fall + next_fall * next_fall
        rising[col] += rise * rise + next_rise * next_rise
        both[col] += fall * rise + next_fall * next_rise
        light[col] += above * (middle[col + 1] + upper[col]) + below * (lower[col + 1] + middle[col])
        number[col] += above + below
