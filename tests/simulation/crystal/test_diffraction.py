"""Which reflections diffract, how strongly, and where: each width alone, the Lorentz factor, the position."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES, Beamline, Sample
from fedbragg.simulation.crystal.diffraction import CrystalQuality, excite, random_rotation
from fedbragg.simulation.crystal.reflections import reflections

SALT = reflections(Sample((5.6402, 5.6402, 5.6402, 90, 90, 90), "F m -3 m", resolution=0.9, b_factor=0.0))
PERFECT = CrystalQuality(mosaicity=1e-7, domain=1e9, size=1.0)


def line(bandwidth: float = 1e-9, divergence: float = 1e-9) -> Beamline:
    """A large detector nearby, and a parallel beam of 1 angstrom unless a spread is given."""
    base = BEAMLINES["pilatus6m"]
    beam = replace(base.beam, wavelength=1.0, bandwidth=bandwidth, divergence=divergence)
    return replace(base, beam=beam, detector=replace(base.detector, distance=0.08))


def test_spots_of_salt_lie_at_braggs_angles(ring_radius: Callable[[float, Beamline], float]) -> None:
    """NaCl, a = 5.6402 A: 200 lies at d = 2.8201 A, 220 at 1.9941 A (PDF 5-628)."""
    generator = np.random.default_rng(1)
    base = BEAMLINES["pilatus6m"]
    beamline = replace(base, beam=replace(base.beam, wavelength=0.71))
    detector = beamline.detector
    quality = CrystalQuality(mosaicity=5e-4, domain=20000.0, size=1.0)
    expected = {(0, 0, 2): 2.8201, (0, 2, 2): 1.9941}
    seen = set()
    for _ in range(400):
        excited = excite(SALT, random_rotation(generator), quality, beamline)
        away = np.hypot(excited.column - detector.beam_centre[0], excited.row - detector.beam_centre[1])
        for place, radius in zip(excited.index, away, strict=True):
            family = tuple(sorted(abs(SALT.indices[place]).tolist()))
            if family in expected:
                right = ring_radius(expected[family], beamline)
                assert radius == pytest.approx(right, abs=1.5)
                seen.add(family)
    assert seen == set(expected)


def test_reflections_off_the_ewald_sphere_do_not_diffract() -> None:
    """By hand: |S + k| - |k| is within the widths of the reflection."""
    beamline = BEAMLINES["pilatus6m"]
    crystal = reflections(beamline.sample)
    rotation = random_rotation(np.random.default_rng(4))
    quality = CrystalQuality(mosaicity=1e-3, domain=2000.0, size=1.0)
    excited = excite(crystal, rotation, quality, beamline)
    vectors = crystal.indices[excited.index] @ (rotation @ crystal.reciprocal).T
    k = 1 / beamline.beam.wavelength
    off = np.linalg.norm(vectors + np.array([0, 0, k]), axis=1) - k
    assert len(off) > 50
    length = np.linalg.norm(vectors, axis=1)
    assert np.all(abs(off) < 3.5 * (0.5 / 2000 + (1.01e-3 + 1e-4) * length))


@pytest.mark.parametrize(
    ("beamline", "quality", "power"),
    [
        (line(), replace(PERFECT, domain=100.0), "block"),
        (line(), replace(PERFECT, mosaicity=0.01), "angle"),
        (line(divergence=0.01), PERFECT, "angle"),
        (line(bandwidth=0.02), PERFECT, "band"),
    ],
)
def test_each_width_alone_sets_how_far_off_the_sphere_reflections_diffract(
    beamline: Beamline, quality: CrystalQuality, power: str
) -> None:
    """Distance off the sphere, by hand: 1/(2 x block); turning S by a: a |S| cos(theta); b of k: b |S| sin(theta)."""
    generator = np.random.default_rng(3)
    relative = []
    for _ in range(300):
        rotation = random_rotation(generator)
        excited = excite(SALT, rotation, quality, beamline)
        vectors = SALT.indices[excited.index] @ (rotation @ SALT.reciprocal).T
        length = np.linalg.norm(vectors, axis=1)
        off = np.linalg.norm(vectors + np.array([0, 0, 1.0]), axis=1) - 1.0
        sine = length / 2
        width = {
            "block": np.full(len(off), 0.5 / 100),
            "angle": 0.01 * length * np.sqrt(1 - sine**2),
            "band": 0.02 * length * sine,
        }[power]
        relative.append(off / width)
    away = abs(np.concatenate(relative))
    assert len(away) > 200
    assert 3.2 < away.max() <= 3.51  # as many sigma as are kept, and no further
    assert np.mean(away < 1.75) == pytest.approx(0.5, abs=0.1)  # evenly: a random turn prefers none


def test_a_perfect_crystal_in_a_perfect_beam_almost_never_diffracts() -> None:
    generator = np.random.default_rng(5)
    assert sum(len(excite(SALT, random_rotation(generator), PERFECT, line()).index) for _ in range(100)) == 0


def test_the_lorentz_factor_of_random_crystals_is_the_powder_one() -> None:
    """The whole ring of a powder has multiplicity x F^2 / sin(theta) (Int. Tables C 6.2); so 002 : 004 is 2 : 1."""
    generator = np.random.default_rng(6)
    beamline, quality = line(), replace(PERFECT, mosaicity=0.02)
    families = np.sort(abs(SALT.indices), axis=1)
    chosen = [np.flatnonzero((families == family).all(axis=1)) for family in ((0, 0, 2), (0, 0, 4))]
    totals = np.zeros(2)
    for _ in range(12_000):
        excited = excite(SALT, random_rotation(generator), quality, beamline)
        for which, members in enumerate(chosen):
            mine = np.isin(excited.index, members)
            totals[which] += (excited.strength[mine] / SALT.intensity[excited.index[mine]]).sum()
    assert totals[0] / totals[1] == pytest.approx(2.0, rel=0.1)


def test_a_spot_lies_in_the_plane_of_beam_and_scattering_vector() -> None:
    """Its azimuth is that of the reciprocal vector, and its radius follows from Bragg's angle."""
    beamline = line()
    generator = np.random.default_rng(8)
    seen = 0
    for _ in range(20):
        rotation = random_rotation(generator)
        excited = excite(SALT, rotation, replace(PERFECT, mosaicity=0.005), beamline)
        vectors = SALT.indices[excited.index] @ (rotation @ SALT.reciprocal).T
        x = excited.column - beamline.detector.beam_centre[0]
        y = excited.row - beamline.detector.beam_centre[1]
        assert np.arctan2(y, x) == pytest.approx(np.arctan2(vectors[:, 1], vectors[:, 0]), abs=1e-6)
        theta = np.arcsin(np.linalg.norm(vectors, axis=1) / 2)
        assert np.hypot(x, y) == pytest.approx(0.08 / 172e-6 * np.tan(2 * theta), rel=0.05)
        seen += len(x)
    assert seen > 20


def test_bandwidth_stretches_a_spot_along_the_radius() -> None:
    """By hand: theta = 15 degrees, 1 % of wavelength moves the spot by 2 D tan(theta) / cos^2(2 theta) x 1 %."""
    beamline = line(bandwidth=0.01)
    generator = np.random.default_rng(9)
    for _ in range(2000):
        excited = excite(SALT, random_rotation(generator), PERFECT, beamline)
        radius = np.hypot(
            excited.column - beamline.detector.beam_centre[0], excited.row - beamline.detector.beam_centre[1]
        )
        theta = np.arctan(radius * 172e-6 / 0.08) / 2
        near = abs(theta - math.radians(15)) < math.radians(0.5)
        if near.any():
            by_hand = 2 * 0.08 * math.tan(math.radians(15)) / math.cos(math.radians(30)) ** 2 * 0.01 / 172e-6
            assert excited.radial[near] == pytest.approx(np.full(near.sum(), by_hand), rel=0.1)
            return
    pytest.fail("no reflection near 15 degrees in 2000 orientations")


def test_rotations_are_uniform() -> None:
    """A uniform rotation turns any vector uniformly: each coordinate has mean 0 and mean square 1/3."""
    generator = np.random.default_rng(0)
    turned = np.array([random_rotation(generator) for _ in range(4000)])
    assert np.allclose(turned @ turned.transpose(0, 2, 1), np.eye(3), atol=1e-12)
    assert np.allclose(np.linalg.det(turned), 1)
    assert abs(turned.mean(axis=0)).max() < 4 / math.sqrt(3 * 4000)
    assert abs((turned**2).mean(axis=0) - 1 / 3).max() < 0.02
