"""The physics against values known from outside the code."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES, Sample
from fedbragg.simulation.background.powder_rings import ICE, ring_profile
from fedbragg.simulation.background.radial import STEPS_PER_PIXEL, inverse_spacings, smooth_scattering
from fedbragg.simulation.background.scene import StillScene
from fedbragg.simulation.crystal.diffraction import Quality, excite, random_rotation
from fedbragg.simulation.crystal.reflections import reflections
from fedbragg.simulation.detector.panels import absorption_factor, gaps, polarisation_factor, transmission
from fedbragg.simulation.station import set_up
from fedbragg.simulation.still import expected_photons

PILATUS = BEAMLINES["pilatus6m"]
SODIUM_CHLORIDE = Sample((5.6402, 5.6402, 5.6402, 90, 90, 90), "F m -3 m", resolution=0.9, b_factor=1.0)


def ring_radius(d: float, wavelength: float, distance: float, pixel: float) -> float:
    """Bragg's law by hand: pixels from the beam to the ring of spacing d."""
    return distance * math.tan(2 * math.asin(wavelength / (2 * d))) / pixel


def test_reflections_of_salt_lie_where_bragg_puts_them() -> None:
    """NaCl, a = 5.6402 A: 200 lies at d = 2.8201 A, 220 at 1.9941 A (PDF 5-628)."""
    crystal = reflections(SODIUM_CHLORIDE)
    generator = np.random.default_rng(1)
    beamline = replace(PILATUS, beam=replace(PILATUS.beam, wavelength=0.71))
    detector = beamline.detector
    quality = Quality(mosaicity=5e-4, domain=20000.0, size=1.0)
    expected = {(0, 0, 2): 2.8201, (0, 2, 2): 1.9941}
    seen = set()
    for _ in range(400):
        excited = excite(crystal, random_rotation(generator), quality, beamline)
        away = np.hypot(excited.column - detector.beam_centre[0], excited.row - detector.beam_centre[1])
        for place, radius in zip(excited.index, away, strict=True):
            family = tuple(sorted(abs(crystal.indices[place]).tolist()))
            if family in expected:
                right = ring_radius(expected[family], 0.71, detector.distance, detector.pixel_size)
                assert radius == pytest.approx(right, abs=1.5)
                seen.add(family)
    assert seen == set(expected)


def test_a_still_never_shows_what_is_off_the_ewald_sphere() -> None:
    """Worked by hand: |S + k| - |k| is within the widths that let a reflection shine."""
    crystal = reflections(PILATUS.sample)
    rotation = random_rotation(np.random.default_rng(4))
    quality = Quality(mosaicity=1e-3, domain=2000.0, size=1.0)
    excited = excite(crystal, rotation, quality, PILATUS)
    vectors = crystal.indices[excited.index] @ (rotation @ crystal.reciprocal).T
    k = 1 / PILATUS.beam.wavelength
    off = np.linalg.norm(vectors + np.array([0, 0, k]), axis=1) - k
    assert len(off) > 50
    length = np.linalg.norm(vectors, axis=1)
    assert np.all(abs(off) < 3.5 * (0.5 / 2000 + (1.01e-3 + 1e-4) * length))


@pytest.mark.parametrize(
    ("group", "cell", "absent", "present"),
    [
        ("F m -3 m", (5.64, 5.64, 5.64, 90, 90, 90), (1, 0, 0), (1, 1, 1)),
        ("P 21 21 21", (42, 52, 88, 90, 90, 90), (3, 0, 0), (4, 0, 0)),
        ("P 41 21 2", (58, 58, 150, 90, 90, 90), (0, 0, 6), (0, 0, 8)),
        ("P 61 2 2", (93, 93, 130, 90, 90, 120), (0, 0, 9), (0, 0, 12)),
        ("C 1 2 1", (100, 50, 60, 90, 100, 90), (2, 1, 3), (3, 1, 3)),
    ],
)
def test_systematic_absences_are_the_tables(
    group: str, cell: tuple[float, ...], absent: tuple[int, int, int], present: tuple[int, int, int]
) -> None:
    """International Tables A, reflection conditions."""
    crystal = reflections(Sample(cell, group, resolution=1.3 if cell[0] < 10 else 6.0))  # type: ignore[arg-type]
    listed = set(map(tuple, crystal.indices.tolist()))
    assert present in listed
    assert absent not in listed


def test_every_reflection_is_listed_once_with_its_friedel_mate_as_strong() -> None:
    crystal = reflections(Sample((93, 93, 130, 90, 90, 120), "P 61 2 2", resolution=8.0))
    strength = dict(zip(map(tuple, crystal.indices.tolist()), crystal.intensity.tolist(), strict=True))
    assert len(strength) == len(crystal.indices)
    assert all(strength[h, k, m] == strength[-h, -k, -m] for h, k, m in strength)
    volume = 93 * 93 * 130 * math.sin(math.radians(120))
    assert len(strength) == pytest.approx(
        4 / 3 * math.pi * volume / 8.0**3, rel=0.05
    )  # one a reciprocal cell


def test_wilson_statistics_hold() -> None:
    """<I^2>/<I>^2 is 2 for acentric reflections, 3 for centric ones (Wilson 1949)."""
    crystal = reflections(Sample((60, 70, 80, 90, 90, 90), "P 1 2 1", resolution=3.0, b_factor=0.0))
    thin = crystal.reciprocal @ crystal.indices.T
    inverse_d = np.linalg.norm(thin, axis=0)
    shell = (inverse_d > 0.3) & (inverse_d < 0.33) & (crystal.indices[:, 1] != 0)  # h0l is centric in P2
    acentric = crystal.intensity[shell].astype(float)
    assert np.mean(acentric**2) / np.mean(acentric) ** 2 == pytest.approx(2.0, abs=0.25)


def test_the_b_factor_damps_as_debye_and_waller_say() -> None:
    """exp(-B / 2 d^2) on intensities: B = 40 A^2 at 3 A leaves 10.8 %."""
    still, warm = (
        reflections(Sample((60, 70, 80, 90, 90, 90), "P 1", resolution=3.0, b_factor=b)) for b in (0.0, 40.0)
    )
    inverse_d = np.linalg.norm(still.reciprocal @ still.indices.T, axis=0)
    edge = int(np.argmax(inverse_d))
    assert warm.intensity[edge] / still.intensity[edge] == pytest.approx(
        math.exp(-20 * inverse_d[edge] ** 2), rel=1e-4
    )
    assert math.exp(-20 / 9) == pytest.approx(0.108, abs=0.001)


def test_rotations_are_uniform() -> None:
    """A uniform rotation turns any vector uniformly: each coordinate has mean 0 and mean square 1/3."""
    generator = np.random.default_rng(0)
    turned = np.array([random_rotation(generator) for _ in range(4000)])
    assert np.allclose(turned @ turned.transpose(0, 2, 1), np.eye(3), atol=1e-12)
    assert np.allclose(np.linalg.det(turned), 1)
    assert abs(turned.mean(axis=0)).max() < 4 / math.sqrt(3 * 4000)
    assert abs((turned**2).mean(axis=0) - 1 / 3).max() < 0.02


def test_waters_ring_lies_at_3_2_angstrom() -> None:
    background = replace(PILATUS.background, air=0.0, floor=0.0, loop=0.0)
    inverse_d = inverse_spacings(PILATUS)
    ring = smooth_scattering(background, inverse_d, air=1.0, solvent=1.0)
    outside = inverse_d > 0.2  # past the small-angle rise
    peak = inverse_d[outside][np.argmax(ring[outside])]
    assert 1 / peak == pytest.approx(3.2, abs=0.15)


def test_ice_rings_lie_at_hexagonal_ices_spacings() -> None:
    """a = 4.4968, c = 7.3198 A: 100 at 3.894, 002 at 3.660, 101 at 3.438 A."""
    inverse_d = inverse_spacings(PILATUS)
    profile = ring_profile(inverse_d, ICE, width=1.0)
    detector = PILATUS.detector
    for d in (3.894, 3.660, 3.438):
        radius = ring_radius(d, PILATUS.beam.wavelength, detector.distance, detector.pixel_size)
        near = profile[int((radius - 6) * STEPS_PER_PIXEL) : int((radius + 6) * STEPS_PER_PIXEL)]
        assert np.argmax(near) / STEPS_PER_PIXEL - 6 == pytest.approx(0, abs=2)
        assert near.max() > 0.3


def test_polarisation_is_that_of_a_horizontal_field() -> None:
    """At 2 theta = 45 degrees: cos^2 = 1/2 along the field, 1 across it; unpolarised (1 + cos^2) / 2 everywhere."""
    one, none = np.float32([1.0]), np.float32([0.0])
    assert polarisation_factor(one, none, 1.0)[0] == pytest.approx(0.5)
    assert polarisation_factor(none, one, 1.0)[0] == pytest.approx(1.0)
    assert polarisation_factor(one, none, 0.5)[0] == pytest.approx(0.75)
    assert polarisation_factor(none, one, 0.5)[0] == pytest.approx(0.75)


def test_a_slanting_ray_is_absorbed_along_a_longer_path() -> None:
    """Half a sensor stopped upright, 1 - 2^-2 = 3/4 at 60 degrees: 1.5 times as much."""
    assert absorption_factor(np.float32([2.0]), math.log(2))[0] == pytest.approx(1.5)


def test_solid_angle_falls_with_the_cube_of_the_cosine() -> None:
    detector = replace(PILATUS.detector, absorption=1e-6, distance=0.2)
    beam = replace(
        PILATUS.beam, stop_radius=0.0, stop_arm=None, polarisation=0.0
    )  # vertical field, row of the beam
    factor = transmission(detector, beam)
    column, row = (round(value) for value in detector.beam_centre)
    tangent = 1000 * 172e-6 / 0.2
    cosine = 1 / math.hypot(1, tangent)
    # one cosine less: a thin sensor's path is longer by 1 / cosine
    assert factor[row, column + 1000] / factor[row, column + 5] == pytest.approx(cosine**2, rel=1e-3)


def test_gaps_are_the_makers() -> None:
    """Pilatus3 6M: 5 x 12 modules of 487 x 195 pixels, 7 and 17 between (DECTRIS); so 8.4 % of it is gap."""
    gap = gaps(PILATUS.detector)
    assert gap[195:212].all()
    assert gap[:, 487:494].all()
    assert (~gap).sum() == 60 * 487 * 195


def test_polarisation_goes_round_as_kahn_says() -> None:
    """On a ring at 2 theta = 30 degrees: 1 - sin^2(2 theta) (p cos^2 + (1 - p) sin^2) of the azimuth."""
    detector = replace(PILATUS.detector, absorption=1e-6, distance=0.2)
    reach = 0.2 * math.tan(math.radians(30)) / detector.pixel_size
    for share in (1.0, 0.9, 0.5):
        beam = replace(PILATUS.beam, polarisation=share, stop_radius=0.0, stop_arm=None)
        factor = transmission(detector, beam)
        angle = np.radians(np.arange(0, 360, 5))
        rows = np.round(detector.beam_centre[1] + reach * np.sin(angle)).astype(int)
        cols = np.round(detector.beam_centre[0] + reach * np.cos(angle)).astype(int)
        around = factor[rows, cols] / math.cos(math.radians(30)) ** 2  # solid angle of a thin sensor
        by_hand = 1 - 0.25 * (share * np.cos(angle) ** 2 + (1 - share) * np.sin(angle) ** 2)
        assert around == pytest.approx(by_hand, rel=4e-3)


@pytest.mark.parametrize("name", ["pilatus6m", "eiger16m", "lg36"])
def test_waters_ring_is_where_a_ruler_finds_it_on_the_image(name: str) -> None:
    """Averaged round the beam, the image is brightest at distance x tan(2 asin(wavelength / 2 x 3.2))."""
    line = BEAMLINES[name]
    line = replace(line, background=replace(line.background, air=0.0, floor=0.0, loop=0.0))
    station = set_up(line, np.random.SeedSequence(1))
    image = expected_photons(
        StillScene(smooth_scattering(line.background, inverse_spacings(line), 1.0, 1.0)), station
    )
    detector = line.detector
    radius = ring_radius(3.2, line.beam.wavelength, detector.distance, detector.pixel_size)
    seen = ~station.gap
    rings = np.round(station.radius[seen]).astype(int)
    profile = np.bincount(rings, image[seen]) / np.maximum(np.bincount(rings), 1)
    outside = int(radius * 0.6)
    assert outside + np.argmax(profile[outside : int(radius * 1.6)]) == pytest.approx(radius, rel=0.04)
