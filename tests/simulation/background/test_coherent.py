"""Scattering at small angles: films, aligned particles, speckles, fluorescence, and a detector moved back."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES
from fedbragg.simulation.background.coherent import (
    CRITICAL,
    Film,
    Speckle,
    apply_speckle,
    film_scatter,
    reflected_beam,
)
from fedbragg.simulation.background.powder_rings import BEHENATE, ring_profile
from fedbragg.simulation.background.radial import AZIMUTH_STEPS, aligned_texture, inverse_spacings
from fedbragg.simulation.background.scene import StillScene
from fedbragg.simulation.detector.panels import geometric_factor
from fedbragg.simulation.random_streams import random_stream
from fedbragg.simulation.station import set_up, transmission_at
from fedbragg.simulation.still import expected_photons

DETECTOR = replace(BEAMLINES["ccd"].detector, rows=1000, cols=1000, distance=3.0, beam_centre=(500.0, 800.0))
WAVELENGTH = 1.24
DEGREE = math.pi / 180
FILM = Film(
    incidence=0.3 * DEGREE, critical=0.18 * DEGREE, period=300.0, order=0.9, roughness=5.0, photons=100.0
)


def test_silicons_critical_angle_is_the_tables() -> None:
    """0.18 degrees at 10 keV (Henke, Gullikson and Davis 1993)."""
    critical = CRITICAL * WAVELENGTH
    assert critical == pytest.approx(0.18 * DEGREE, rel=0.02)


def test_a_film_is_brightest_at_yonedas_angle() -> None:
    """Exit at the critical angle: 0.3 + 0.18 degrees above the beam, 25.13 mm on a detector 3 m away."""
    light = film_scatter(FILM, DETECTOR, WAVELENGTH)
    brightest = int(np.argmax(light[:, 500]))
    assert 800 - brightest == pytest.approx(3.0 * 0.48 * DEGREE / 80e-6, abs=4)
    horizon = 800 - round(3.0 * 0.3 * DEGREE / 80e-6)
    assert light[horizon + 2 :].max() == 0
    assert light[horizon - 20, 500] > 0


def test_a_films_rods_stand_at_the_orders_of_its_period() -> None:
    """wavelength / period = 4.13 mrad: 155 pixels of 80 micrometre at 3 m."""
    across = film_scatter(FILM, DETECTOR, WAVELENGTH).max(axis=0)
    step = WAVELENGTH / 300 * 3.0 / 80e-6
    assert step == pytest.approx(155, abs=0.1)
    for order in (-2, -1, 1, 2):
        near = round(500 + order * step)
        assert np.argmax(across[near - 30 : near + 31]) - 30 == pytest.approx(0, abs=2)


def test_a_film_on_its_side_is_the_same_turned() -> None:
    centred = replace(DETECTOR, beam_centre=(500.0, 500.0), rows=1001, cols=1001)
    upright = film_scatter(FILM, centred, WAVELENGTH)
    turned = film_scatter(replace(FILM, upright=False), centred, WAVELENGTH)
    assert np.allclose(turned, upright.T)


def test_the_mirrored_beam_leaves_at_twice_the_incident_angle() -> None:
    column, row = reflected_beam(FILM, DETECTOR)[0, :2]
    assert column == 500
    assert 800 - row == pytest.approx(3.0 * 0.6 * DEGREE / 80e-6, rel=1e-6)


@pytest.mark.parametrize("modes", [1, 2, 4])
def test_speckles_have_goodmans_contrast(modes: int) -> None:
    """Variance over mean squared is 1 / modes; one mode's intensities are exponential, half of them below ln 2."""
    light = np.full((1200, 1200), 3.0, np.float32)
    apply_speckle(light, Speckle(2.5, modes, random_stream(np.random.default_rng(7))))
    assert light.mean() == pytest.approx(3.0, rel=0.02)
    assert light.var() / light.mean() ** 2 == pytest.approx(1 / modes, rel=0.04)
    if modes == 1:
        assert np.mean(light < 3 * math.log(2)) == pytest.approx(0.5, abs=0.01)


def test_speckles_are_as_large_as_said() -> None:
    light = np.ones((900, 900), np.float32)
    apply_speckle(light, Speckle(6.0, 1, random_stream(np.random.default_rng(8))))
    near, far = (np.corrcoef(light[:, step:].ravel(), light[:, :-step].ravel())[0, 1] for step in (1, 13))
    assert near > 0.8
    assert abs(far) < 0.03


def test_aligned_particles_make_two_opposite_arcs() -> None:
    factor = aligned_texture(0.5, 20.0)
    angle = np.linspace(-math.pi, math.pi, AZIMUTH_STEPS + 1)
    assert factor[:-1].mean() == pytest.approx(1, rel=1e-5)
    bright = angle[factor > 0.5 * factor.max()]
    away = np.minimum(abs(bright - 0.5), abs(bright - (0.5 - math.pi)))
    # exp(20 (cos^2 - 1)) is a half where sin^2 is ln 2 / 20
    assert away.max() == pytest.approx(math.asin(math.sqrt(math.log(2) / 20)), abs=0.01)


def test_fluorescence_knows_no_polarisation() -> None:
    """At two theta = 35 degrees a polarised beam's scatter is 0.67 as strong along the field; fluorescence is equal."""
    line = BEAMLINES["pilatus6m"]
    line = replace(
        line,
        detector=replace(line.detector, flat=0.0, distance=0.2),
        beam=replace(line.beam, polarisation=1.0, stop_arm=None),
    )
    station = set_up(line, np.random.SeedSequence(1))
    column, row = (round(value) for value in line.detector.beam_centre)
    reach = round(0.2 * math.tan(35 * DEGREE) / 172e-6)
    for scene, ratio in (
        (StillScene(np.full(5000, 1.0)), math.cos(35 * DEGREE) ** 2),
        (StillScene(np.zeros(5000), fluorescence=1.0), 1.0),
    ):
        image = expected_photons(scene, station)
        assert image[row, column + reach] / image[row + reach, column] == pytest.approx(ratio, rel=2e-3)


def test_behenates_rings_are_equidistant_on_a_detector_moved_back() -> None:
    """d001 = 58.38 angstrom at 3.3 m and 0.97 angstrom: 318.8 pixels of 172 micrometre, and multiples."""
    line = BEAMLINES["pilatus6m"]
    away = replace(line, detector=replace(line.detector, distance=3.3))
    profile = ring_profile(inverse_spacings(away), BEHENATE, width=2.0)
    for order in (1, 2, 3):
        near = round(2 * 318.8 * order)  # half a pixel a step
        assert (near - 20 + np.argmax(profile[near - 20 : near + 21])) / 2 == pytest.approx(
            318.8 * order, abs=1
        )


def test_a_detector_moved_back_sees_less_obliquely() -> None:
    station = set_up(BEAMLINES["pilatus6m"], np.random.SeedSequence(1))
    far = replace(station.beamline.detector, distance=station.beamline.detector.distance * 10)
    assert np.allclose(
        transmission_at(station, 10.0) / station.transmission,
        geometric_factor(far, station.beamline.beam)
        / geometric_factor(station.beamline.detector, station.beamline.beam),
        rtol=1e-5,
    )
    assert transmission_at(station, 1.0) is station.transmission
    assert geometric_factor(far, station.beamline.beam).min() > 0.98
