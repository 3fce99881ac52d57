"""Image plates: noise in proportion to the signal, tails, lag and the lines of the scanner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES
from fedbragg.simulation.detector.image_plate import (
    ImagePlate,
    draw_image_plate,
    plate_spread,
    scan_plate,
    sensitivity,
    smear,
)

QUIET = ImagePlate(2.0, 100.0, 0.0, 0.6, 0.1, 0.0, 0.0, 0.0, spiral=False)
DETECTOR = replace(BEAMLINES["ccd"].detector, saturation=60_000)


def test_a_plate_without_noise_keeps_the_photons() -> None:
    photons = np.full((120, 120), 400, np.int32)
    counts = scan_plate(photons, QUIET, DETECTOR, np.random.default_rng(1))
    assert counts[10:-10, 10:-10].mean() == pytest.approx(100 + 2 * 400, rel=1e-3)


def test_a_bright_plate_is_noisier_than_its_photons() -> None:
    """A grain of 2 % of 10,000 photons is 200; the photons' own noise is 100, and the point spread lowers it."""
    photons = np.random.default_rng(2).poisson(10_000, (300, 300)).astype(np.int32)
    counts = scan_plate(photons, replace(QUIET, grain=0.02), DETECTOR, np.random.default_rng(3))
    inside = counts[10:-10, 10:-10].astype(float)
    kernel = plate_spread(QUIET).astype(float)
    expected = 2 * np.sqrt((0.02 * 10_000) ** 2 + 10_000 * (kernel**2).sum() ** 2)
    assert inside.std() == pytest.approx(expected, rel=0.03)


def test_the_point_spread_has_the_tail_that_was_asked_for() -> None:
    """Beyond 3 pixels a core of 0.6 has nothing; the tail exp(-|x| / 2) has what is left of a tenth."""
    kernel = plate_spread(QUIET)
    assert kernel.sum() == pytest.approx(1, rel=1e-5)
    tail = np.exp(-abs(np.arange(-6, 7)) / 2.0)
    assert kernel[0] == pytest.approx(0.1 * tail[0] / tail.sum(), rel=1e-3)


def test_the_light_of_a_pixel_is_partly_read_in_the_next() -> None:
    light = np.zeros((1, 6), np.float32)
    light[0, 2] = 100
    smear(light, np.float32(0.2))
    assert light[0] == pytest.approx([0, 0, 80, 16, 3.2, 0.64], rel=1e-4)


def test_the_bands_of_a_spiral_are_circles() -> None:
    plate = replace(QUIET, bands=0.01, spiral=True)
    found = sensitivity((81, 81), plate, np.random.default_rng(4))
    rows, cols = np.indices(found.shape)
    radius = np.hypot(rows - 40.5, cols - 40.5).astype(int)
    for ring in (5, 17, 30):
        assert np.ptp(found[radius == ring]) == 0
    assert found.std() > 0.004


def test_a_drawn_plate_has_values_that_scanners_have() -> None:
    generator = np.random.default_rng(5)
    plates = [draw_image_plate(generator) for _ in range(50)]
    assert all(0.3 <= plate.gain <= 4 and 0 <= plate.lag <= 0.4 for plate in plates)
    assert {plate.spiral for plate in plates} == {True, False}
