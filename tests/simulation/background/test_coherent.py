"""Films at grazing incidence and speckle."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES
from fedbragg.simulation.background.coherent import (
    CRITICAL_PER_WAVELENGTH,
    Film,
    Speckle,
    apply_speckle,
    film_scatter,
    reflected_beam,
)
from fedbragg.simulation.random_streams import random_stream

DETECTOR = replace(BEAMLINES["ccd"].detector, rows=1000, cols=1000, distance=3.0, beam_centre=(500.0, 800.0))
WAVELENGTH = 1.24
DEGREE = math.pi / 180
FILM = Film(
    incidence=0.3 * DEGREE, critical=0.18 * DEGREE, period=300.0, order=0.9, roughness=5.0, photons=100.0
)


def test_the_critical_angle_of_silicon_is_the_tabulated_one() -> None:
    """0.18 degrees at 10 keV (Henke, Gullikson and Davis 1993)."""
    critical = CRITICAL_PER_WAVELENGTH * WAVELENGTH
    assert critical == pytest.approx(0.18 * DEGREE, rel=0.02)


def test_a_film_is_brightest_at_the_yoneda_angle() -> None:
    """Exit at the critical angle: 0.3 + 0.18 degrees above the beam, 25.13 mm on a detector 3 m away."""
    image = film_scatter(FILM, DETECTOR, WAVELENGTH)
    brightest = int(np.argmax(image[:, 500]))
    assert 800 - brightest == pytest.approx(3.0 * 0.48 * DEGREE / 80e-6, abs=4)
    horizon = 800 - round(3.0 * 0.3 * DEGREE / 80e-6)
    assert image[horizon + 2 :].max() == 0
    assert image[horizon - 20, 500] > 0


def test_the_rods_of_a_film_lie_at_the_orders_of_its_period() -> None:
    """wavelength / period = 4.13 mrad: 155 pixels of 80 micrometre at 3 m."""
    across = film_scatter(FILM, DETECTOR, WAVELENGTH).max(axis=0)
    step = WAVELENGTH / 300 * 3.0 / 80e-6
    assert step == pytest.approx(155, abs=0.1)
    for order in (-2, -1, 1, 2):
        near = round(500 + order * step)
        assert np.argmax(across[near - 30 : near + 31]) - 30 == pytest.approx(0, abs=2)


def test_a_vertical_film_gives_the_transposed_pattern() -> None:
    centred = replace(DETECTOR, beam_centre=(500.0, 500.0), rows=1001, cols=1001)
    upright = film_scatter(FILM, centred, WAVELENGTH)
    turned = film_scatter(replace(FILM, upright=False), centred, WAVELENGTH)
    assert np.allclose(turned, upright.T)


def test_the_reflected_beam_leaves_at_twice_the_angle_of_incidence() -> None:
    column, row = reflected_beam(FILM, DETECTOR)[0, :2]
    assert column == 500
    assert 800 - row == pytest.approx(3.0 * 0.6 * DEGREE / 80e-6, rel=1e-6)


@pytest.mark.parametrize("modes", [1, 2, 4])
def test_the_contrast_of_speckle_is_one_over_the_modes(modes: int) -> None:
    """Variance over mean squared is 1 / modes; one mode's intensities are exponential, half of them below ln 2."""
    photons = np.full((1200, 1200), 3.0, np.float32)
    apply_speckle(photons, Speckle(2.5, modes, random_stream(np.random.default_rng(7))))
    assert photons.mean() == pytest.approx(3.0, rel=0.02)
    assert photons.var() / photons.mean() ** 2 == pytest.approx(1 / modes, rel=0.04)
    if modes == 1:
        assert np.mean(photons < 3 * math.log(2)) == pytest.approx(0.5, abs=0.01)


def test_speckles_have_the_given_size() -> None:
    photons = np.ones((900, 900), np.float32)
    apply_speckle(photons, Speckle(6.0, 1, random_stream(np.random.default_rng(8))))
    near, far = (np.corrcoef(photons[:, step:].ravel(), photons[:, :-step].ravel())[0, 1] for step in (1, 13))
    assert near > 0.8
    assert abs(far) < 0.03
