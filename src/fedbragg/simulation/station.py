"""Values shared by all frames of a run: a beamline's crystal, masks and per-pixel factors, computed once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.crystal.reflections import Reflections, reflections
from fedbragg.simulation.detector.defects import BadPixels, draw_bad_pixels
from fedbragg.simulation.detector.panels import gaps, geometric_factor, pixels_beside, radius, transmission


@dataclass(frozen=True, slots=True, eq=False)
class Station:
    """A beamline with the arrays (rows, cols) and tables that its frames share."""

    beamline: Beamline
    crystal: Reflections
    gap: NDArray[np.bool_]  # True where there is no sensor
    mask: NDArray[np.bool_]  # True = ignore: gaps, and dead pixels and beamstop where the beamline masks them
    edge: NDArray[np.bool_]  # pixels beside a gap
    radius: NDArray[np.float32]  # pixel, distance from the beam
    transmission: NDArray[np.float32]  # factor on the expected photons: geometry, beamstop, sensitivity
    bad_pixels: BadPixels


def set_up(beamline: Beamline, seed: np.random.SeedSequence) -> Station:
    """Compute the shared arrays of one run; the seed draws bad pixels and sensitivities."""
    detector = beamline.detector
    generator = np.random.default_rng(seed)
    gap = gaps(detector)
    bad = draw_bad_pixels(detector, generator)
    mask = gap.copy()
    if detector.dead_masked:
        mask.reshape(-1)[bad.dead] = True
    distance = radius(detector)
    if beamline.beam.stop_masked:
        mask |= distance < beamline.beam.stop_radius + 6
    factors = transmission(detector, beamline.beam)
    factors *= 1 + detector.flat * generator.standard_normal(factors.shape, np.float32)
    return Station(
        beamline, reflections(beamline.sample), gap, mask, pixels_beside(gap), distance, factors, bad
    )


def transmission_at(station: Station, distance_factor: float) -> NDArray[np.float32]:
    """Return the transmission (rows, cols) with the detector at a multiple of its distance."""
    if distance_factor == 1:
        return station.transmission
    near, beam = station.beamline.detector, station.beamline.beam
    far = replace(near, distance=near.distance * distance_factor)
    moved = station.transmission * geometric_factor(far, beam) / geometric_factor(near, beam)
    return np.asarray(moved, dtype=np.float32)
