"""From a scene to expected photons on pixels, and to radial sums, in compiled loops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.simulation.background.radial import AZIMUTH_STEPS, STEPS_PER_PIXEL
from fedbragg.simulation.scattering.azimuth import repeated
from fedbragg.simulation.scattering.scene import Scene, Term

_ALL_AROUND = np.ones(AZIMUTH_STEPS + 1, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Polar:
    """Each pixel's position relative to the beam."""

    radius: NDArray[np.float32]  # (rows, cols) pixel
    turn: NDArray[np.float32]  # (rows, cols) in steps of azimuth, as the factors count them


def polar(x: NDArray[np.float32], y: NDArray[np.float32]) -> Polar:
    """Return the polar coordinates of offsets from the beam (rows, cols) in pixels."""
    turn = (np.arctan2(y, x) / np.float32(2 * np.pi) + np.float32(0.5)) * np.float32(AZIMUTH_STEPS)
    return Polar(np.hypot(x, y).astype(np.float32), np.minimum(turn, AZIMUTH_STEPS - 1e-2).astype(np.float32))


def fill(scene: Scene, place: Polar) -> NDArray[np.float32]:
    """Return (rows, cols): the relative photons of a scene's isotropic light and terms."""
    out = np.empty(place.radius.shape, np.float32)
    plain = [Term(scene.isotropic.astype(np.float32)), *(t for t in scene.terms if t.stretch is None)]
    radial = np.stack([term.radial for term in plain])
    factors = [_ALL_AROUND if term.azimuthal is None else term.azimuthal for term in plain]
    finer = max(len(factor) // AZIMUTH_STEPS for factor in factors)
    azimuthal = np.stack([repeated(factor, finer) for factor in factors])
    _fill(place.radius, place.turn, radial, azimuthal, out)
    for term in scene.terms:
        if term.stretch is not None:
            _add_stretched(place.radius, place.turn, term.radial, term.stretch, out)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class RadialSums:
    """An image summed over the pixels at each whole distance from the beam."""

    pixels: NDArray[np.float64]  # (radii,) valid pixels
    passed: NDArray[np.float64]  # (radii,) sum of the share of light that passes stop and shadows
    photons: NDArray[np.float64]  # (radii,) sum of the expected photons


def radial_sums(
    place: Polar, valid: NDArray[np.bool_], passed: NDArray[np.float32], photons: NDArray[np.float32]
) -> RadialSums:
    """Sum an image (rows, cols) over the valid pixels at each radius."""
    length = int(place.radius.max()) + 2
    sums = np.zeros((3, length))
    _sum(place.radius, valid, passed, photons, sums)
    return RadialSums(sums[0], sums[1], sums[2])


@njit(nogil=True, cache=True)
def _fill(radius, turn, radial, azimuthal, out):  # type: ignore[no-untyped-def]
    last, finer = radial.shape[1] - 2, np.float32(azimuthal.shape[1] // AZIMUTH_STEPS)
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            distance = radius[row, col] * np.float32(STEPS_PER_PIXEL)
            j = min(int(distance), last)
            part = distance - np.float32(j)
            value = radial[0, j] + part * (radial[0, j + 1] - radial[0, j])
            k = int(turn[row, col] * finer)
            for t in range(1, radial.shape[0]):
                height = radial[t, j] + part * (radial[t, j + 1] - radial[t, j])
                if height > np.float32(1e-9):
                    value += height * azimuthal[t, k]
            out[row, col] = value


@njit(nogil=True, cache=True)
def _add_stretched(radius, turn, radial, stretch, out):  # type: ignore[no-untyped-def]
    last = radial.size - 2
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            distance = radius[row, col] * np.float32(STEPS_PER_PIXEL) * stretch[int(turn[row, col])]
            j = int(distance)
            if j <= last:
                out[row, col] += radial[j] + (distance - np.float32(j)) * (radial[j + 1] - radial[j])


@njit(nogil=True, cache=True)
def _sum(radius, valid, passed, photons, sums):  # type: ignore[no-untyped-def]
    for row in range(radius.shape[0]):
        for col in range(radius.shape[1]):
            if valid[row, col]:
                j = int(radius[row, col])
                sums[0, j] += 1.0
                sums[1, j] += passed[row, col]
                sums[2, j] += photons[row, col]
