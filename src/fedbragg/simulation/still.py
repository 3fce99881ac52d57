"""Simulate one still: draw the scene, count photons, add crystals, read out, list spots, label."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.artefacts.catalogue import BESIDE_CRYSTALS, add_artefact
from fedbragg.simulation.background.coherent import apply_speckle
from fedbragg.simulation.background.shadows import add_streak, apply_shadow
from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.crystal.brightness import CrystalSpots, draw_crystals, wanted_spots
from fedbragg.simulation.crystal.visibility import label_of, significance
from fedbragg.simulation.detector.cosmic_rays import add_cosmic_rays
from fedbragg.simulation.detector.defects import BadPixels, add_zingers, apply_bad_pixels
from fedbragg.simulation.detector.exposure import (
    add_counted_spots,
    add_expected_spots,
    add_rings,
    draw_counts,
    fill_background,
)
from fedbragg.simulation.detector.image_plate import scan_plate
from fedbragg.simulation.detector.panels import fluorescence_factor
from fedbragg.simulation.detector.readout import read_out
from fedbragg.simulation.random_streams import random_stream
from fedbragg.simulation.scene import StillScene, typical_background
from fedbragg.simulation.station import Station, transmission_at
from fedbragg.types import Counts, Label, Spot

_LISTED = 2.0  # standard deviations above which a spot is listed


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A simulated frame with its true spots and label."""

    counts: Counts  # (rows, cols), as the detector writes them
    mask: NDArray[np.bool_]  # (rows, cols), True = ignore; the same array for the whole run
    spots: tuple[Spot, ...]  # every Bragg spot of significance 2 or more; intensity in counts
    label: Label
    kind: str  # "crystal", the name of an artefact such as "ice", or both: "crystal+ice"


def simulate_still(station: Station, progress: float, seed: np.random.SeedSequence) -> Still:
    """Simulate one frame; ``progress`` in [0, 1) is its position in the run, which sets the probability of a hit."""
    generator = np.random.default_rng(seed)
    wanted = wanted_spots(station.beamline.mix, progress, generator)
    scene, kind = _draw_scene(station.beamline, wanted, generator)
    expected = expected_photons(scene, station)
    photons = np.empty(expected.shape, np.int32)
    draw_counts(expected, random_stream(generator), photons)
    spots: tuple[Spot, ...] = ()
    if wanted:
        crystals = draw_crystals(station, scene.shadows, expected, wanted, generator)
        stream = random_stream(generator)
        counted = add_counted_spots(crystals.table, crystals.outline, station.gap, stream, photons)
        spots = _listed_spots(crystals, counted, station.beamline.detector.gain)
    counts = _read_out_with_defects(station, scene, photons, generator)
    label = label_of(np.array([spot.significance for spot in spots]))
    return Still(counts, station.mask, spots, label, kind)


def expected_photons(scene: StillScene, station: Station) -> NDArray[np.float32]:
    """Return (rows, cols): the photons expected on each pixel without crystals."""
    expected = np.empty(station.radius.shape, np.float32)
    centre = station.beamline.detector.beam_centre
    factor = transmission_at(station, scene.distance_factor)
    fill_background(station.radius, factor, scene.radial.astype(np.float32), scene.tilt, expected)
    _add_structured(scene, centre, factor, expected)
    for streak in scene.streaks:
        add_streak(expected, centre, streak)
    if scene.fluorescence:
        beam = station.beamline.beam
        expected += scene.fluorescence * factor * fluorescence_factor(station.beamline.detector, beam)
    for shadow in scene.shadows:
        apply_shadow(expected, centre, shadow)
    if scene.edge_factor != 1:
        expected[station.edge] *= scene.edge_factor
    return expected


def _add_structured(
    scene: StillScene,
    centre: tuple[float, float],
    factor: NDArray[np.float32],
    expected: NDArray[np.float32],
) -> None:
    """Add rings, grains and film; speckle modulates only these, not water and air."""
    structured = np.zeros_like(expected) if scene.speckle else expected
    for ring in scene.rings:
        add_rings(centre, factor, ring.radial, ring.azimuthal, structured)
    for spots in scene.grain_spots:
        add_expected_spots(spots, factor, structured)
    if scene.film is not None:
        structured += scene.film * factor
    if scene.speckle:
        apply_speckle(structured, scene.speckle)
        expected += structured


def _draw_scene(beamline: Beamline, wanted: int, generator: np.random.Generator) -> tuple[StillScene, str]:
    """Draw the scene of a frame with ``wanted`` visible spots; return it and the frame's kind."""
    scene = typical_background(beamline, generator)
    if wanted == 0:
        names, weights = zip(*beamline.mix.misses, strict=True)
        kind = str(generator.choice(names, p=np.array(weights) / sum(weights)))
        add_artefact(kind, scene, beamline, generator)
        return scene, kind
    if generator.random() >= beamline.mix.artefact_share:
        return scene, "crystal"
    artefact = str(generator.choice(BESIDE_CRYSTALS))
    add_artefact(artefact, scene, beamline, generator)
    return scene, f"crystal+{artefact}"


def _listed_spots(crystals: CrystalSpots, photons: NDArray[np.float64], gain: float) -> tuple[Spot, ...]:
    """Return the spots whose counted photons (n,) are significant, with intensities in counts."""
    significances = significance(photons, crystals.background)
    keep = significances >= _LISTED
    columns = (
        crystals.table[keep, 0], crystals.table[keep, 1], photons[keep] * gain, significances[keep],
    )  # fmt: skip
    return tuple(Spot(*values) for values in zip(*(column.tolist() for column in columns), strict=True))


def _read_out_with_defects(
    station: Station, scene: StillScene, photons: NDArray[np.int32], generator: np.random.Generator
) -> Counts:
    beamline = station.beamline
    detector = beamline.detector
    if scene.image_plate is not None:
        counts = scan_plate(photons, scene.image_plate, detector, generator)
        detector = replace(detector, integrating=True, gain=scene.image_plate.gain)
    else:
        counts = read_out(photons, detector, generator)
    add_zingers(counts, scene.zinger_factor, scene.extra_zingers, beamline, generator)
    if scene.cosmic_rays:
        add_cosmic_rays(counts, scene.cosmic_rays, scene.cosmic_strength, detector, generator)
    bad = station.bad_pixels
    if scene.extra_hot_pixels:
        extra = generator.integers(counts.size, size=scene.extra_hot_pixels)
        bad = BadPixels(np.concatenate([bad.hot, extra]), bad.dead)
    apply_bad_pixels(counts, bad, beamline.detector, generator)
    counts[station.gap] = beamline.detector.gap_value
    return counts
