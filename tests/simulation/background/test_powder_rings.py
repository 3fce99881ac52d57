"""Powder rings and the grains that they consist of, against tables and a count of rotated crystals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES, Beamline
from fedbragg.simulation.background.powder_rings import (
    BEHENATE,
    BORIDE,
    CERIA,
    ICE,
    SILICON,
    Grains,
    PowderLine,
    grain_spots,
    ring_profile,
)
from fedbragg.simulation.background.radial import STEPS_PER_PIXEL, inverse_spacings
from fedbragg.simulation.crystal.diffraction import random_rotation

LINE = BEAMLINES["pilatus6m"]
EVEN = Grains(grain_angle=1.0, volume_spread=0.5, size=1.0, mosaicity=1e-3, strain=0.0)
Radius = Callable[[float, Beamline], float]


@pytest.mark.parametrize(
    ("powder", "place", "d", "multiplicity"),
    [
        (SILICON, 0, 3.1356, 8),  # 111
        (SILICON, 1, 1.9201, 12),  # 220
        (BORIDE, 0, 4.1568, 6),  # 100
        (BORIDE, 4, 1.8590, 24),  # 210
        (BORIDE, 7, 1.3856, 30),  # 300 and 221
        (CERIA, 0, 3.1243, 8),  # 111
        (CERIA, 9, 1.0414, 32),  # 511 and 333
    ],
)
def test_standards_have_the_certified_spacings(
    powder: tuple[PowderLine, ...], place: int, d: float, multiplicity: int
) -> None:
    """NIST SRM 640, 660 and 674; multiplicities of International Tables A, class m-3m."""
    assert powder[place].d == pytest.approx(d, abs=3e-4)
    assert powder[place].multiplicity == multiplicity


def test_the_lines_of_ice_are_those_of_its_cell() -> None:
    """Hexagonal ice, a = 4.497, c = 7.32: 100 has 6 planes, 002 has 2, 101 has 12."""
    assert [line.multiplicity for line in ICE[:3]] == [6, 2, 12]
    assert ICE[0].d == pytest.approx(4.497 * math.sqrt(3) / 2, abs=0.01)
    assert ICE[1].d == pytest.approx(7.32 / 2, abs=0.01)


def test_ice_rings_lie_at_the_spacings_of_hexagonal_ice(ring_radius: Radius) -> None:
    """a = 4.4968, c = 7.3198 A: 100 at 3.894, 002 at 3.660, 101 at 3.438 A."""
    inverse_d = inverse_spacings(LINE)
    profile = ring_profile(inverse_d, ICE, width=1.0)
    for d in (3.894, 3.660, 3.438):
        radius = ring_radius(d, LINE)
        near = profile[int((radius - 6) * STEPS_PER_PIXEL) : int((radius + 6) * STEPS_PER_PIXEL)]
        assert np.argmax(near) / STEPS_PER_PIXEL - 6 == pytest.approx(0, abs=2)
        assert near.max() > 0.3


def test_the_rings_of_behenate_are_equidistant_on_a_distant_detector() -> None:
    """d001 = 58.38 angstrom at 3.3 m and 0.97 angstrom: 318.8 pixels of 172 micrometre, and multiples."""
    away = replace(LINE, detector=replace(LINE.detector, distance=3.3))
    profile = ring_profile(inverse_spacings(away), BEHENATE, width=2.0)
    for order in (1, 2, 3):
        near = round(2 * 318.8 * order)  # half a pixel a step
        assert (near - 20 + np.argmax(profile[near - 20 : near + 21])) / 2 == pytest.approx(
            318.8 * order, abs=1
        )


def test_a_ring_has_the_given_width() -> None:
    inverse_d = np.linspace(0, 1, 2001)  # half a pixel a step
    profile = ring_profile(inverse_d, [PowderLine(2.0, 1.0)], width=3.0)
    assert profile[1000] == pytest.approx(1)
    assert profile[1006] == pytest.approx(math.exp(-0.5), rel=1e-6)


def test_the_spots_of_grains_lie_on_the_rings(ring_radius: Radius) -> None:
    spots = grain_spots(
        LINE, [PowderLine(3.1356, 1.0, 8)], replace(EVEN, grain_angle=20), 1.0, np.random.default_rng(1)
    )
    away = np.hypot(spots[:, 0] - LINE.detector.beam_centre[0], spots[:, 1] - LINE.detector.beam_centre[1])
    assert len(away) > 40
    assert away == pytest.approx(np.full(len(away), ring_radius(3.1356, LINE)), abs=0.01)


def test_as_many_grains_diffract_as_a_count_of_random_rotations_gives() -> None:
    """Silicon 220, rotated 20,000 times: count how often a plane is within half the angle of Bragg's."""
    generator = np.random.default_rng(2)
    angle, theta = 0.02, math.asin(LINE.beam.wavelength / (2 * 1.9201))
    planes = np.array(
        [
            (h, k, m)
            for h in (-1, 0, 1)
            for k in (-1, 0, 1)
            for m in (-1, 0, 1)
            if abs(h) + abs(k) + abs(m) == 2
        ]
    )
    along_beam = np.concatenate(
        [(random_rotation(generator) @ planes.T / math.sqrt(2))[2] for _ in range(20_000)]
    )
    off = np.arcsin(along_beam) + theta  # a plane's normal points against the beam by theta when it diffracts
    counted = int(np.count_nonzero(abs(off) < angle / 2))
    ring = [PowderLine(1.9201, 1.0, 12)]
    spots = grain_spots(LINE, ring, replace(EVEN, grain_angle=20_000 * angle), 1.0, np.random.default_rng(3))
    assert len(spots) == pytest.approx(counted, abs=4 * math.sqrt(2 * counted))


@pytest.mark.parametrize("grain_angle", [0.5, 5.0, 60.0])
def test_few_grains_have_as_many_photons_as_a_smooth_ring(grain_angle: float, ring_radius: Radius) -> None:
    """The sum over the spots is that of the smooth ring: height x circumference x width."""
    grains = replace(EVEN, grain_angle=grain_angle)
    generator = np.random.default_rng(4)
    repeats = int(4000 / grain_angle)
    sums = [
        grain_spots(LINE, [PowderLine(3.1356, 1.0, 8)], grains, 7.0, generator)[:, 2].sum()
        for _ in range(repeats)
    ]
    smooth = 7.0 * 2 * math.pi * ring_radius(3.1356, LINE) * math.sqrt(2 * math.pi) * 1.0
    assert np.mean(sums) == pytest.approx(smooth, rel=0.05)
