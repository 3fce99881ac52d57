"""One still: expected photons, and spots that the counts show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES, Beamline, reduced, simulate_run
from fedbragg.simulation.background.radial import inverse_spacings, smooth_scattering
from fedbragg.simulation.crystal.visibility import HIT_SPOTS
from fedbragg.simulation.scene import StillScene
from fedbragg.simulation.station import set_up
from fedbragg.simulation.still import expected_photons
from fedbragg.types import Label


@pytest.mark.parametrize("name", ["pilatus6m", "eiger16m", "lg36"])
def test_the_ring_of_water_lies_at_its_radius_on_the_image(
    name: str, ring_radius: Callable[[float, Beamline], float]
) -> None:
    """The azimuthal mean is largest at distance x tan(2 asin(wavelength / (2 x 3.2 angstrom)))."""
    line = reduced(BEAMLINES[name], 900, 900)
    line = replace(line, background=replace(line.background, air=0.0, floor=0.0, loop=0.0))
    station = set_up(line, np.random.SeedSequence(1))
    image = expected_photons(
        StillScene(smooth_scattering(line.background, inverse_spacings(line), 1.0, 1.0)), station
    )
    radius = ring_radius(3.2, line)
    sensor = ~station.gap
    rings = np.round(station.radius[sensor]).astype(int)
    profile = np.bincount(rings, image[sensor]) / np.maximum(np.bincount(rings), 1)
    outside = int(radius * 0.6)
    assert outside + np.argmax(profile[outside : int(radius * 1.6)]) == pytest.approx(radius, rel=0.04)


def test_fluorescence_is_not_polarised() -> None:
    """At two theta = 35 degrees polarised scattering along the field is 0.67 of that across; fluorescence is equal."""
    line = BEAMLINES["pilatus6m"]
    line = replace(
        line,
        detector=replace(line.detector, flat=0.0, distance=0.2),
        beam=replace(line.beam, polarisation=1.0, stop_arm=None),
    )
    station = set_up(line, np.random.SeedSequence(1))
    column, row = (round(value) for value in line.detector.beam_centre)
    reach = round(0.2 * math.tan(math.radians(35)) / 172e-6)
    for scene, ratio in (
        (StillScene(np.full(5000, 1.0)), math.cos(math.radians(35)) ** 2),
        (StillScene(np.zeros(5000), fluorescence=1.0), 1.0),
    ):
        image = expected_photons(scene, station)
        assert image[row, column + reach] / image[row + reach, column] == pytest.approx(ratio, rel=2e-3)


def test_the_counts_show_the_listed_spots() -> None:
    """At every strong spot the counts rise above the surroundings by the listed intensity."""
    beamline = reduced(BEAMLINES["pilatus6m"], 800, 800)
    mix = replace(beamline.mix, rates=((1.0, 0.0),), artefact_share=0.0)
    still = next(iter(simulate_run(replace(beamline, mix=mix), 1, seed=4)))
    strong = [
        spot
        for spot in still.spots
        if spot.significance > 12 and 12 < spot.row < 787 and 12 < spot.column < 787
    ]
    assert len(still.spots) > HIT_SPOTS
    assert strong
    for spot in strong:
        row, col = round(spot.row), round(spot.column)
        patch = np.s_[row - 9 : row + 10, col - 9 : col + 10]
        if still.mask[patch].any():
            continue
        level = np.median(still.counts[patch])
        assert still.counts[row - 2 : row + 3, col - 2 : col + 3].sum() - 25 * level > 0.4 * spot.intensity


def test_hits_appear_with_artefacts_too() -> None:
    line = reduced(BEAMLINES["pilatus6m"], 500, 500)
    line = replace(line, mix=replace(line.mix, rates=((1.0, 0.0),), artefact_share=1.0))
    stills = list(simulate_run(line, 12, seed=11))
    assert all(still.kind.startswith("crystal+") for still in stills)
    assert len({still.kind for still in stills}) > 3
    assert sum(still.label is Label.HIT for still in stills) >= 10
