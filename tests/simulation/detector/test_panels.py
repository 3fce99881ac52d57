"""Gaps and geometric factors against the manufacturer's figures and formulas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES
from fedbragg.simulation.detector.panels import absorption_factor, gaps, polarisation_factor, transmission

PILATUS = BEAMLINES["pilatus6m"]


def test_gaps_are_the_manufacturers() -> None:
    """Pilatus3 6M: 5 x 12 modules of 487 x 195 pixels, 7 and 17 between (DECTRIS); so 8.4 % of it is gap."""
    gap = gaps(PILATUS.detector)
    assert gap[195:212].all()
    assert gap[:, 487:494].all()
    assert (~gap).sum() == 60 * 487 * 195


def test_polarisation_is_that_of_a_horizontal_field() -> None:
    """At 2 theta = 45 degrees: cos^2 = 1/2 along the field, 1 across it; unpolarised (1 + cos^2) / 2 everywhere."""
    one, none = np.float32([1.0]), np.float32([0.0])
    assert polarisation_factor(one, none, 1.0)[0] == pytest.approx(0.5)
    assert polarisation_factor(none, one, 1.0)[0] == pytest.approx(1.0)
    assert polarisation_factor(one, none, 0.5)[0] == pytest.approx(0.75)
    assert polarisation_factor(none, one, 0.5)[0] == pytest.approx(0.75)


def test_polarisation_varies_around_a_ring_by_kahns_formula() -> None:
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


def test_an_oblique_ray_is_absorbed_along_a_longer_path() -> None:
    """A sensor that absorbs half at normal incidence absorbs 1 - 2^-2 = 3/4 at 60 degrees, 1.5 times as much."""
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
