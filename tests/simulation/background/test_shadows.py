"""Shadows and streaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES, reduced
from fedbragg.simulation.background.shadows import Shadow, Streak, add_streak
from fedbragg.simulation.scene import StillScene
from fedbragg.simulation.station import set_up
from fedbragg.simulation.still import expected_photons


def test_it_is_dark_beyond_the_edge_of_a_shadow() -> None:
    station = set_up(reduced(BEAMLINES["pilatus6m"], 400, 400), np.random.SeedSequence(1))
    scene = StillScene(
        np.full(3000, 5.0), shadows=[Shadow(direction=0.0, distance=50.0, softness=1.0, transmission=0.1)]
    )
    column, row = (round(value) for value in station.beamline.detector.beam_centre)
    shaded = expected_photons(scene, station)
    clear = expected_photons(replace(scene, shadows=[]), station)
    assert shaded[row, column + 80] == pytest.approx(0.1 * clear[row, column + 80], rel=1e-4)
    assert shaded[row, column + 20] == pytest.approx(clear[row, column + 20], rel=1e-4)


def test_a_streak_has_the_given_length_and_width() -> None:
    image = np.zeros((201, 401), np.float32)
    add_streak(image, (20.0, 100.0), Streak(direction=0.0, height=10.0, length=100.0, width=3.0))
    assert image[100, 120] == pytest.approx(10 / np.e, rel=1e-5)
    assert image[103, 20 + 1] == pytest.approx(image[100, 21] * np.exp(-0.5), rel=0.02)
    assert not image[:, :20].any()
