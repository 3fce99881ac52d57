"""What all frames of a run share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fedbragg.simulation import BEAMLINES, reduced
from fedbragg.simulation.detector.panels import geometric_factor
from fedbragg.simulation.station import set_up, transmission_at


def test_rays_are_less_oblique_on_a_detector_moved_back() -> None:
    station = set_up(reduced(BEAMLINES["pilatus6m"], 900, 900), np.random.SeedSequence(1))
    far = replace(station.beamline.detector, distance=station.beamline.detector.distance * 10)
    assert np.allclose(
        transmission_at(station, 10.0) / station.transmission,
        geometric_factor(far, station.beamline.beam)
        / geometric_factor(station.beamline.detector, station.beamline.beam),
        rtol=1e-5,
    )
    assert transmission_at(station, 1.0) is station.transmission
    assert geometric_factor(far, station.beamline.beam).min() > 0.98
