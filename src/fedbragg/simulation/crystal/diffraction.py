"""Find the reflections that diffract in one still, with their strengths and positions on the detector.

A reflection at distance e (1/angstrom) from the Ewald sphere diffracts with strength exp(-e^2 / 2 w^2) / w. Its width
w combines block size, mosaicity, divergence and bandwidth. For a mosaic crystal w is proportional to |S| cos(theta) =
sin(2 theta) / wavelength, so w contains the still's Lorentz factor, 1 / sin(2 theta), which is not applied again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Beam, Beamline, Detector
from fedbragg.simulation.crystal.reflections import Reflections

_REACH = 3.5  # widths; reflections farther from the sphere are ignored


@dataclass(frozen=True, slots=True)
class CrystalQuality:
    """The quality of one crystal."""

    mosaicity: float  # radian, standard deviation
    domain: float  # angstrom, size of a coherent block
    size: float  # pixel, standard deviation of its image


@dataclass(frozen=True, slots=True, eq=False)
class ExcitedReflections:
    """Reflections on the detector; each array has one element a reflection."""

    column: NDArray[np.float64]  # pixel
    row: NDArray[np.float64]  # pixel
    strength: NDArray[np.float64]  # arbitrary scale, the same for all
    radial: NDArray[np.float64]  # pixel, standard deviation of the stretch along the radius
    index: NDArray[np.int64]  # position in the list of reflections


def random_rotation(generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw a rotation (3, 3), uniform over all (a random unit quaternion; Shoemake 1992)."""
    w, x, y, z = (q := generator.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def excite(
    crystal: Reflections, orientation: NDArray[np.float64], quality: CrystalQuality, beamline: Beamline
) -> ExcitedReflections:
    """Return the reflections that diffract in this orientation (3, 3) onto the detector."""
    beam, detector = beamline.beam, beamline.detector
    basis = orientation @ crystal.reciprocal
    widths = (0.5 / quality.domain, math.hypot(quality.mosaicity, beam.divergence), beam.bandwidth)
    found = _excited(crystal.indices, basis, beam.wavelength, widths)
    index, x, y, weight, sine = (found[:, i] for i in range(5))
    scale = detector.distance / detector.pixel_size
    column, row = detector.beam_centre[0] + x * scale, detector.beam_centre[1] + y * scale
    on = (abs(column - detector.cols / 2) < detector.cols / 2) & (
        abs(row - detector.rows / 2) < detector.rows / 2
    )
    which = index[on].astype(np.int64)
    strength = weight[on] * crystal.intensity[which]
    radial = _bandwidth_stretch(sine[on], beam, detector)
    return ExcitedReflections(column[on], row[on], strength, radial, which)


def _bandwidth_stretch(sine: NDArray[np.float64], beam: Beam, detector: Detector) -> NDArray[np.float64]:
    """Return a spot's stretch in pixels: D d(tan 2 theta), where the bandwidth b gives d theta = b tan(theta)."""
    theta = np.arcsin(sine)
    tangent = 2 * np.tan(theta) / np.cos(2 * theta) ** 2
    return np.asarray(tangent * beam.bandwidth * detector.distance / detector.pixel_size)


@njit(nogil=True, cache=True)
def _excited(indices, basis, wavelength, widths):  # type: ignore[no-untyped-def]
    """Return (n, 5): position in the list, x and y on a plane at distance 1, weight, sin(theta)."""
    block, angle, band = widths
    k = 1.0 / wavelength
    most = 4.0 * (block + (angle + band) * 2.0 * k)
    out = np.empty((1024, 5))
    n = 0
    for i in range(indices.shape[0]):
        h, j, m = float(indices[i, 0]), float(indices[i, 1]), float(indices[i, 2])
        z = basis[2, 0] * h + basis[2, 1] * j + basis[2, 2] * m
        if z > most or z < -k:  # on the sphere z = -|S|^2 wavelength / 2; its forward half lies above -k
            continue
        x = basis[0, 0] * h + basis[0, 1] * j + basis[0, 2] * m
        y = basis[1, 0] * h + basis[1, 1] * j + basis[1, 2] * m
        square = x * x + y * y + z * z
        if abs(z + 0.5 * square * wavelength) > most:
            continue
        off = math.sqrt(square + 2.0 * z * k + k * k) - k
        length = math.sqrt(square)
        sine = min(0.5 * length * wavelength, 0.7)
        width = math.sqrt(
            block * block + (angle * length) ** 2 * (1.0 - sine * sine) + (band * length * sine) ** 2
        )
        if abs(off) > _REACH * width:
            continue
        if n == out.shape[0]:
            larger = np.empty((2 * n, 5))
            larger[:n] = out
            out = larger
        out[n, 0] = i
        out[n, 1] = x / (z + k)
        out[n, 2] = y / (z + k)
        out[n, 3] = math.exp(-0.5 * (off / width) ** 2) / width
        out[n, 4] = sine
        n += 1
    return out[:n]
