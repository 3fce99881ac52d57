"""Powder rings and the grains they break into, against tables and a count worked out by turning crystals."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES
from fedbragg.simulation.background.powder_rings import (
    BORIDE,
    CERIA,
    ICE,
    SILICON,
    Grains,
    PowderLine,
    grain_spots,
    ring_profile,
)
from fedbragg.simulation.background.scene import StillScene
from fedbragg.simulation.crystal.brightness import draw_crystals
from fedbragg.simulation.crystal.diffraction import random_rotation
from fedbragg.simulation.station import set_up
from fedbragg.simulation.still import expected_photons

LINE = BEAMLINES["pilatus6m"]
DETECTOR, WAVELENGTH = LINE.detector, LINE.beam.wavelength
EVEN = Grains(grain_angle=1.0, volume_spread=0.5, size=1.0, mosaicity=1e-3, strain=0.0)


def radius_of(d: float) -> float:
    """Bragg's law by hand: pixels from the beam."""
    return DETECTOR.distance * math.tan(2 * math.asin(WAVELENGTH / (2 * d))) / DETECTOR.pixel_size


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


def test_grains_lie_on_the_rings() -> None:
    spots = grain_spots(
        LINE, [PowderLine(3.1356, 1.0, 8)], replace(EVEN, grain_angle=20), 1.0, np.random.default_rng(1)
    )
    away = np.hypot(spots[:, 0] - DETECTOR.beam_centre[0], spots[:, 1] - DETECTOR.beam_centre[1])
    assert len(away) > 40
    assert away == pytest.approx(np.full(len(away), radius_of(3.1356)), abs=0.01)


def test_as_many_grains_shine_as_do_when_each_is_turned_at_random() -> None:
    """Silicon's 220, turned 20,000 times: how often a plane is within half the angle of Bragg's, counted."""
    generator = np.random.default_rng(2)
    angle, theta = 0.02, math.asin(WAVELENGTH / (2 * 1.9201))
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


@pytest.mark.parametrize("ready", [0.5, 5.0, 60.0])
def test_few_grains_have_the_light_of_many(ready: float) -> None:
    """The fewer the spots, the brighter: their sum is the smooth ring's, height x circumference x width."""
    grains = replace(EVEN, grain_angle=ready)
    generator = np.random.default_rng(4)
    repeats = int(4000 / ready)
    sums = [
        grain_spots(LINE, [PowderLine(3.1356, 1.0, 8)], grains, 7.0, generator)[:, 2].sum()
        for _ in range(repeats)
    ]
    smooth = 7.0 * 2 * math.pi * radius_of(3.1356) * math.sqrt(2 * math.pi) * 1.0
    assert np.mean(sums) == pytest.approx(smooth, rel=0.05)


def test_ice_rings_have_the_lines_of_ice() -> None:
    """Hexagonal ice, a = 4.497, c = 7.32: 100 has 6 planes, 002 has 2, 101 has 12."""
    assert [line.multiplicity for line in ICE[:3]] == [6, 2, 12]
    assert ICE[0].d == pytest.approx(4.497 * math.sqrt(3) / 2, abs=0.01)
    assert ICE[1].d == pytest.approx(7.32 / 2, abs=0.01)


def test_lines_are_as_wide_as_said() -> None:
    inverse_d = np.linspace(0, 1, 2001)  # half a pixel a step
    profile = ring_profile(inverse_d, [PowderLine(2.0, 1.0)], width=3.0)
    assert profile[1000] == pytest.approx(1)
    assert profile[1006] == pytest.approx(math.exp(-0.5), rel=1e-6)


def test_a_crystals_spot_on_a_grain_is_judged_above_the_grain() -> None:
    """What a powder's grain sheds is background: it neither is a spot nor makes one significant."""
    station = set_up(LINE, np.random.SeedSequence(1))
    scene = StillScene(np.full(5000, 1.0))
    lit = draw_crystals(station, (), expected_photons(scene, station), 40, np.random.default_rng(5))
    brightest = int(np.argmax(lit.table[:, 2]))
    scene.grain_spots = [np.array([[*lit.table[brightest, :2], 5000.0, 1.0, 0.0, 0.0]])]
    beneath = draw_crystals(
        station, (), expected_photons(scene, station), 40, np.random.default_rng(5)
    ).background
    assert beneath[brightest] > 100 * lit.background[brightest]
    assert np.median(beneath) == pytest.approx(np.median(lit.background), rel=0.05)
