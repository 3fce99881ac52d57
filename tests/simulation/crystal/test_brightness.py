"""Crystals are bright enough for the wanted number of visible spots, on whatever background."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES, reduced
from fedbragg.simulation.crystal.brightness import draw_crystals
from fedbragg.simulation.scene import StillScene
from fedbragg.simulation.station import set_up
from fedbragg.simulation.still import expected_photons


def test_a_powder_grain_is_background_to_a_crystals_spot() -> None:
    """The photons of a grain under a spot count as background, not as the spot's."""
    station = set_up(reduced(BEAMLINES["pilatus6m"], 900, 900), np.random.SeedSequence(1))
    scene = StillScene(np.full(5000, 1.0))
    alone = draw_crystals(station, (), expected_photons(scene, station), 40, np.random.default_rng(5))
    brightest = int(np.argmax(alone.table[:, 2]))
    position = alone.table[brightest, :2]
    scene.grain_spots = [np.array([[*position, 5000.0, 1.0, 0.0, 0.0]])]
    with_grain = draw_crystals(station, (), expected_photons(scene, station), 40, np.random.default_rng(5))
    (same_spot,) = np.flatnonzero((with_grain.table[:, :2] == position).all(axis=1))
    assert with_grain.background[same_spot] > 100 * alone.background[brightest]
    assert np.median(with_grain.background) == pytest.approx(np.median(alone.background), rel=0.05)
