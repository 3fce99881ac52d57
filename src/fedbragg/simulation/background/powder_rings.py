"""Powder rings: positions of the lines, and the separate spots of few grains.

N grains in the beam, each with m equivalent planes that diffract within an angle A, give N m A cos(theta) / 2 spots in
one still (Warren, X-ray Diffraction, 1969, section 5.4). Many spots make a smooth ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.background.radial import STEPS_PER_PIXEL
from fedbragg.simulation.beamline import Beamline


class PowderLine(NamedTuple):
    """One line of a powder pattern."""

    d: float  # angstrom
    weight: float  # integrated intensity, relative
    multiplicity: int = 12  # equivalent planes


Powder = Sequence[PowderLine]


def cubic(a: float, weights: Sequence[tuple[int, float]]) -> tuple[PowderLine, ...]:
    """Return the lines of a cubic powder from its cell edge (angstrom) and pairs ``(h^2 + k^2 + l^2, weight)``."""
    return tuple(PowderLine(a / n**0.5, weight, _multiplicity(n)) for n, weight in weights)


def _multiplicity(n: int) -> int:
    indices = range(-isqrt(n), isqrt(n) + 1)
    return sum(h * h + k * k + m * m == n for h, k, m in product(indices, repeat=3))


# Hexagonal ice: lattice spacings and relative intensities of the powder lines (Dowell & Rinfret 1960).
ICE = (
    PowderLine(3.897, 100, 6), PowderLine(3.669, 50, 2), PowderLine(3.441, 75, 12), PowderLine(2.671, 25, 12),
    PowderLine(2.249, 54, 6), PowderLine(2.072, 35, 12), PowderLine(1.948, 23, 6), PowderLine(1.918, 20, 12),
    PowderLine(1.883, 12, 12), PowderLine(1.721, 9, 12),
)  # fmt: skip
CERIA = cubic(5.4115, (  # Fm-3m, NIST SRM 674b
    (3, 100), (4, 27), (8, 46), (11, 34), (12, 6), (16, 6), (19, 14), (20, 8), (24, 11), (27, 11)))  # fmt: skip
BORIDE = cubic(4.1568, (  # lanthanum hexaboride, Pm-3m, NIST SRM 660; PDF 34-427
    (1, 54), (2, 100), (3, 41), (4, 23), (5, 50), (6, 27), (8, 9), (9, 24), (10, 16), (11, 10)))  # fmt: skip
SILICON = cubic(5.4309, (  # Fd-3m, NIST SRM 640; PDF 27-1402
    (3, 100), (8, 55), (11, 30), (16, 6), (19, 11), (24, 12), (27, 6), (32, 3), (35, 7)))  # fmt: skip
# Silver behenate, d001 = 58.38 angstrom.
BEHENATE = tuple(PowderLine(58.38 / n, 100 / n**0.7, 2) for n in range(1, 14))


@dataclass(frozen=True, slots=True)
class Grains:
    """The grains of a coarse powder."""

    grain_angle: float  # grains in the beam times the angle within which a plane diffracts, radian
    volume_spread: float  # standard deviation of the logarithm of a grain's volume
    size: float  # pixel, standard deviation of a spot along the radius
    mosaicity: float  # radian, standard deviation; stretches a spot along the ring
    strain: float  # standard deviation of the lattice spacing, relative


def ring_profile(inverse_d: NDArray[np.float64], powder: Powder, width: float) -> NDArray[np.float64]:
    """Return the profile (radii,) of smooth rings of standard deviation ``width`` pixels; the highest ring is 1."""
    positions = np.arange(len(inverse_d), dtype=float)
    out = np.zeros(len(inverse_d))
    for line in powder:
        if 1 / line.d >= inverse_d[-1]:
            continue
        centre = np.interp(1 / line.d, inverse_d, positions)
        out += line.weight * np.exp(-0.5 * ((positions - centre) / (width * STEPS_PER_PIXEL)) ** 2)
    return out / max(float(out.max()), 1e-12)


_REACH = 2.5  # standard deviations of the rocking curve within which a grain diffracts


def grain_spots(
    beamline: Beamline, powder: Powder, grains: Grains, height: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw the spots (n, 6) of the rings, as ``exposure.add_expected_spots`` takes them.

    ``height`` is the photons a pixel of the strongest ring if it is smooth.
    """
    strongest = max(line.weight for line in powder)
    rings = [
        _ring_spots(beamline, line, grains, height * line.weight / strongest, generator)
        for line in powder
        if beamline.beam.wavelength < 1.4 * line.d  # two theta below 90 degrees
    ]
    spots = np.concatenate([np.empty((0, 6)), *rings])
    detector = beamline.detector
    on = (spots[:, 0] > 0) & (spots[:, 0] < detector.cols) & (spots[:, 1] > 0) & (spots[:, 1] < detector.rows)
    return spots[on]


def _ring_spots(
    beamline: Beamline, line: PowderLine, grains: Grains, height: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw the spots of the grains that diffract into one ring, at random along it and within the rocking curve."""
    detector = beamline.detector
    theta = np.arcsin(beamline.beam.wavelength / (2 * line.d))
    mean = grains.grain_angle * line.multiplicity * np.cos(theta) / 2
    number = generator.poisson(mean)
    radius = np.tan(2 * theta) * detector.distance / detector.pixel_size
    radius = radius * (1 + generator.normal(0, grains.strain, number))
    angle = generator.uniform(0, 2 * np.pi, number)
    share = generator.lognormal(-(grains.volume_spread**2) / 2, grains.volume_spread, number)
    share *= np.exp(-0.5 * generator.uniform(-_REACH, _REACH, number) ** 2)
    share *= 2 * _REACH / np.sqrt(2 * np.pi)  # of mean 1
    total = height * 2 * np.pi * radius * np.sqrt(2 * np.pi) * grains.size
    stretch = np.minimum(grains.mosaicity * radius, 8.0)
    column = detector.beam_centre[0] + radius * np.cos(angle)
    row = detector.beam_centre[1] + radius * np.sin(angle)
    along_x, along_y = -stretch * np.sin(angle), stretch * np.cos(angle)
    photons = total * share / max(mean, 1e-9)
    return np.stack([column, row, photons, np.full(number, grains.size), along_x, along_y], axis=1)
