"""From expected photons to counted ones: background, spots, and the detector's noise, in compiled loops."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fedbragg.simulate.background import STEPS, TURNS
from fedbragg.simulate.chance import normal, poisson


@njit(nogil=True, cache=True)
def lay_background(radius, transmission, table, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (rows, cols) with a radial table's expected photons, linear between its entries."""
    flat, factor, target = radius.ravel(), transmission.ravel(), out.ravel()
    for i in range(flat.size):
        place = flat[i] * np.float32(STEPS)
        j = int(place)
        target[i] = factor[i] * (table[j] + (place - np.float32(j)) * (table[j + 1] - table[j]))


@njit(nogil=True, cache=True)
def add_rings(place, transmission, radial, azimuthal, out):  # type: ignore[no-untyped-def]
    """Add rings to ``out``; ``place`` is the beam's (column, row)."""
    for row in range(out.shape[0]):
        y = row - place[1]
        for col in range(out.shape[1]):
            x = col - place[0]
            distance = math.sqrt(x * x + y * y) * STEPS
            j = int(distance)
            height = radial[j] + (distance - j) * (radial[j + 1] - radial[j])
            if height > 1e-4:
                turn = (math.atan2(y, x) / (2 * math.pi) + 0.5) * TURNS
                k = min(int(turn), TURNS - 1)
                height *= azimuthal[k] + (turn - k) * (azimuthal[k + 1] - azimuthal[k])
                out[row, col] += height * transmission[row, col]


@njit(nogil=True, cache=True)
def count(expected, state, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (int32) with Poisson counts of ``expected``."""
    mean, target = expected.ravel(), out.ravel()
    for i in range(mean.size):
        target[i] = poisson(mean[i], state)


@njit(nogil=True, cache=True)
def add_spots(spots, gap, state, out):  # type: ignore[no-untyped-def]
    """Add spots' photons to ``out`` and return how many of each fell on sensors.

    ``spots`` is (n, 6): column, row, expected photons, standard deviation in pixels of the round part, and the
    standard deviations along columns and rows of the part drawn out along one line.
    """
    seen = np.zeros(spots.shape[0])
    profile = np.zeros((64, 64))
    for i in range(spots.shape[0]):
        top, left, height, width = _profile(spots[i], profile)
        for a in range(height):
            row = top + a
            for b in range(width):
                mean = profile[a, b] * spots[i, 2]
                profile[a, b] = 0.0
                col = left + b
                if row < 0 or col < 0 or row >= out.shape[0] or col >= out.shape[1] or mean < 1e-5:
                    continue
                photons = poisson(mean, state)
                if photons > 0 and not gap[row, col]:
                    out[row, col] += photons
                    seen[i] += photons
    return seen


@njit(nogil=True, cache=True)
def _profile(spot, profile):  # type: ignore[no-untyped-def]
    """Fill in a spot's share of each pixel: Gaussians integrated over pixels, five along its line."""
    column, row, _, sigma, along_x, along_y = spot
    reach_x = min(3.2 * sigma + 2.0 * abs(along_x) + 1.0, 30.0)
    reach_y = min(3.2 * sigma + 2.0 * abs(along_y) + 1.0, 30.0)
    left, right = round(column - reach_x), round(column + reach_x)
    top, bottom = round(row - reach_y), round(row + reach_y)
    height, width = bottom - top + 1, right - left + 1
    pieces = 5 if math.hypot(along_x, along_y) > 0.4 * sigma else 1
    across = np.empty(width)
    total = 0.0
    for piece in range(pieces):
        at = (piece - (pieces - 1) / 2) * 0.8  # in standard deviations; five pieces span +- 1.6
        weight = math.exp(-0.5 * at * at)
        total += weight
        for b in range(width):
            across[b] = _share(left + b - column - at * along_x, sigma)
        for a in range(height):
            down = weight * _share(top + a - row - at * along_y, sigma)
            for b in range(width):
                profile[a, b] += down * across[b]
    for a in range(height):
        for b in range(width):
            profile[a, b] /= total
    return top, left, height, width


@njit(inline="always")
def _share(offset, sigma):  # type: ignore[no-untyped-def]
    """Return the part of a Gaussian that falls on the pixel whose centre is ``offset`` away."""
    scale = 1.0 / (sigma * math.sqrt(2.0))
    return 0.5 * (math.erf((offset + 0.5) * scale) - math.erf((offset - 0.5) * scale))


@njit(nogil=True, cache=True)
def integrate(photons, kernel, amplifier, state, out):  # type: ignore[no-untyped-def]
    """Spread each pixel's light by ``kernel`` in both directions, then amplify, offset, add read noise, digitise.

    ``amplifier`` is (gain, offset, read noise, largest count), all in counts.
    """
    gain, offset, noise, most = amplifier
    rows, cols = photons.shape
    half = kernel.size // 2
    across = np.zeros((rows, cols), np.float32)
    for row in range(rows):
        for col in range(cols):
            light = photons[row, col]
            if light != 0:
                for k in range(-half, half + 1):
                    across[row, min(max(col + k, 0), cols - 1)] += np.float32(light) * kernel[k + half]
    down = np.empty(cols, np.float32)
    for row in range(rows):
        down[:] = 0
        for k in range(-half, half + 1):
            source = min(max(row + k, 0), rows - 1)
            for col in range(cols):
                down[col] += across[source, col] * kernel[k + half]
        for col in range(cols):
            level = offset + gain * down[col] + noise * normal(state)
            out[row, col] = min(max(round(level), 0), most)
