"""Compiled loops that add up the expected photons of background and spots, and count them."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fedbragg.simulation.background.radial import AZIMUTH_STEPS, STEPS_PER_PIXEL
from fedbragg.simulation.random_streams import STEP, poisson, uniform

_BOX = 64  # pixel, room for the largest spot
_BRIGHT = 400.0  # photons; brighter spots have a visible halo
_HALO, _HALO_WIDTH = 0.03, 2.5  # share of the photons in the halo, and its width relative to the spot's


@njit(nogil=True, cache=True)
def fill_background(radius, transmission, table, tilt, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (rows, cols) with a radial table's expected photons, linear between its entries.

    ``tilt`` is the relative rise from edge to edge along columns and along rows.
    """
    rows, cols = out.shape
    for row in range(rows):
        start = np.float32(1 + tilt[1] * (row / rows - 0.5) - 0.5 * tilt[0])
        rise = np.float32(tilt[0] / cols)
        for col in range(cols):
            entry = radius[row, col] * np.float32(STEPS_PER_PIXEL)
            j = int(entry)
            height = table[j] + (entry - np.float32(j)) * (table[j + 1] - table[j])
            out[row, col] = transmission[row, col] * height * (start + rise * np.float32(col))


@njit(nogil=True, cache=True)
def add_rings(centre, transmission, radial, azimuthal, out):  # type: ignore[no-untyped-def]
    """Add the expected photons of rings to ``out`` (rows, cols); ``centre`` is the beam's (column, row)."""
    for row in range(out.shape[0]):
        y = row - centre[1]
        for col in range(out.shape[1]):
            x = col - centre[0]
            distance = math.sqrt(x * x + y * y) * STEPS_PER_PIXEL
            j = int(distance)
            height = radial[j] + (distance - j) * (radial[j + 1] - radial[j])
            if height > 1e-4:
                turn = (math.atan2(y, x) / (2 * math.pi) + 0.5) * AZIMUTH_STEPS
                k = min(int(turn), AZIMUTH_STEPS - 1)
                height *= azimuthal[k] + (turn - k) * (azimuthal[k + 1] - azimuthal[k])
                out[row, col] += height * transmission[row, col]


@njit(nogil=True, cache=True)
def draw_counts(expected, position, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (rows, cols), int32, with Poisson counts of mean ``expected``; ``position`` starts a stream."""
    mean, target = expected.ravel(), out.ravel()
    for i in range(mean.size):
        position += STEP
        target[i] = poisson(mean[i], uniform(position))


@njit(nogil=True, cache=True)
def add_counted_spots(spots, outline, gap, position, out):  # type: ignore[no-untyped-def]
    """Add the counted photons of spots to ``out`` (rows, cols); return how many of each spot hit a sensor (n,).

    ``spots`` is (n, 6): column, row, expected photons, standard deviation in pixels of the round part, and standard
    deviations along columns and rows of the stretch along one line. ``outline`` is (k, 3): the crystal's pieces,
    which every spot repeats: offset in columns, offset in rows, share. ``position`` starts a stream.
    """
    counted = np.zeros(spots.shape[0])
    profile = np.zeros((_BOX, _BOX))
    for i in range(spots.shape[0]):
        top, left, height, width = _profile(spots[i], outline, profile)
        for a in range(height):
            row = top + a
            for b in range(width):
                mean = profile[a, b] * spots[i, 2]
                profile[a, b] = 0.0
                col = left + b
                if row < 0 or col < 0 or row >= out.shape[0] or col >= out.shape[1] or mean < 1e-5:
                    continue
                position += STEP
                photons = poisson(mean, uniform(position))
                if photons > 0 and not gap[row, col]:
                    out[row, col] += photons
                    counted[i] += photons
    return counted


@njit(nogil=True, cache=True)
def add_expected_spots(spots, transmission, out):  # type: ignore[no-untyped-def]
    """Add the expected photons of spots, (n, 6) as ``add_counted_spots`` takes them, to ``out`` (rows, cols)."""
    profile = np.zeros((_BOX, _BOX))
    point = np.zeros((1, 3))
    point[0, 2] = 1.0
    for i in range(spots.shape[0]):
        top, left, height, width = _profile(spots[i], point, profile)
        for a in range(height):
            for b in range(width):
                row, col = top + a, left + b
                if 0 <= row < out.shape[0] and 0 <= col < out.shape[1]:
                    out[row, col] += profile[a, b] * spots[i, 2] * transmission[row, col]
                profile[a, b] = 0.0


@njit(nogil=True, cache=True)
def _profile(spot, outline, profile):  # type: ignore[no-untyped-def]
    """Fill ``profile`` with a spot's share on each pixel; return its top, left, height and width."""
    column, row, photons, sigma, along_x, along_y = spot
    halo = _HALO if photons > _BRIGHT else 0.0  # air and thermal diffuse scatter close to a strong spot
    widest = sigma * (_HALO_WIDTH if halo > 0 else 1.0)
    reach_x = 3.2 * widest + 1.7 * abs(along_x) + np.max(np.abs(outline[:, 0])) + 0.5
    reach_y = 3.2 * widest + 1.7 * abs(along_y) + np.max(np.abs(outline[:, 1])) + 0.5
    half_x, half_y = int(min(reach_x, _BOX // 2 - 2)), int(min(reach_y, _BOX // 2 - 2))
    left, top = round(column) - half_x, round(row) - half_y
    height, width = 2 * half_y + 1, 2 * half_x + 1
    box = (column - left, row - top, height, width)
    pieces = 5 if math.hypot(along_x, along_y) > 0.4 * sigma else 1
    total = 0.0
    for piece in range(pieces):
        total += math.exp(-0.5 * ((piece - (pieces - 1) / 2) * 0.8) ** 2)
    for piece in range(pieces):
        at = (piece - (pieces - 1) / 2) * 0.8  # in standard deviations; five pieces span +- 1.6
        weight = (1.0 - halo) * math.exp(-0.5 * at * at) / total
        for k in range(outline.shape[0]):
            shift = (outline[k, 0] + at * along_x, outline[k, 1] + at * along_y)
            _add_gaussian(profile, box, shift, sigma, weight * outline[k, 2])
    if halo > 0:
        _add_gaussian(profile, box, (0.0, 0.0), widest, halo)
    return top, left, height, width


@njit(nogil=True, cache=True)
def _add_gaussian(profile, box, shift, sigma, weight):  # type: ignore[no-untyped-def]
    """Add a round Gaussian, integrated over the pixels, to the profile."""
    column, row, height, width = box
    across = np.empty(_BOX)
    for b in range(width):
        across[b] = pixel_share(b - column - shift[0], sigma)
    for a in range(height):
        down = weight * pixel_share(a - row - shift[1], sigma)
        for b in range(width):
            profile[a, b] += down * across[b]


@njit(inline="always")
def pixel_share(offset, sigma):  # type: ignore[no-untyped-def]
    """Return the share of a Gaussian on the pixel whose centre is ``offset`` from the Gaussian's."""
    scale = 1.0 / (sigma * math.sqrt(2.0))
    return 0.5 * (math.erf((offset + 0.5) * scale) - math.erf((offset - 0.5) * scale))
