"""A beamline set up for a run: what all its frames share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.artefacts.defects import bad_pixels
from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.crystal.reflections import Reflections, reflections
from fedbragg.simulation.detector.panels import beside, gaps, geometry, radius, transmission


@dataclass(frozen=True, slots=True, eq=False)
class Station:
    """A beamline and what follows from it; arrays are (rows, cols) unless said."""

    beamline: Beamline
    crystal: Reflections
    gap: NDArray[np.bool_]  # True where no sensor is
    mask: NDArray[np.bool_]  # gaps and known bad pixels
    edge: NDArray[np.bool_]  # pixels beside a gap
    radius: NDArray[np.float32]  # pixel, from the beam
    transmission: NDArray[np.float32]  # what a pixel's place and its sensor make of the photons
    bad: tuple[
        NDArray[np.int64], NDArray[np.int64]
    ]  # places of hot and of dead pixels in the flattened detector


def set_up(beamline: Beamline, seed: np.random.SeedSequence) -> Station:
    """Prepare what the frames of one run share."""
    detector = beamline.detector
    generator = np.random.default_rng(seed)
    gap = gaps(detector)
    bad = bad_pixels(detector, generator)
    mask = gap.copy()
    if detector.known_bad:
        mask.reshape(-1)[bad[1]] = True
    distance = radius(detector)
    if beamline.beam.stop_masked:
        mask |= distance < beamline.beam.stop_radius + 6
    factors = transmission(detector, beamline.beam)
    factors *= 1 + detector.flat * generator.standard_normal(factors.shape, np.float32)
    return Station(beamline, reflections(beamline.sample), gap, mask, beside(gap), distance, factors, bad)


def seen_from(station: Station, farther: float) -> NDArray[np.float32]:
    """Return the transmission with the detector ``farther`` times as far away."""
    if farther == 1:
        return station.transmission
    near, beam = station.beamline.detector, station.beamline.beam
    far = replace(near, distance=near.distance * farther)
    return np.asarray(station.transmission * geometry(far, beam) / geometry(near, beam), dtype=np.float32)
