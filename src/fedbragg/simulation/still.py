"""One still of a beamline: scene, exposure, crystals, readout, spots, label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.artefacts.defects import spoil, zing
from fedbragg.simulation.artefacts.shadows import dim, shine
from fedbragg.simulation.background.coherent import speckle
from fedbragg.simulation.background.scene import BESIDE_CRYSTALS, Scene, trouble, usual
from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.crystal.brightness import Lit, light, wanted_spots
from fedbragg.simulation.crystal.visibility import label_of, significance
from fedbragg.simulation.detector.exposure import add_rings, add_spots, count, lay_background, lay_spots
from fedbragg.simulation.detector.panels import unpolarised
from fedbragg.simulation.detector.readout import read_out
from fedbragg.simulation.random_streams import stream
from fedbragg.simulation.station import Station, seen_from
from fedbragg.types import Counts, Label, Spot

_LISTED = 2.0  # standard deviations above which a spot is listed


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A simulated frame, and the truth about it."""

    counts: Counts  # (rows, cols), as the detector writes them
    mask: NDArray[np.bool_]  # (rows, cols), True = ignore; one array for the whole run
    spots: tuple[Spot, ...]  # every Bragg spot of significance 2 or more; intensity in counts
    label: Label
    kind: str  # what it shows: "crystal", "blank", "ice" ... or "crystal+ice" and the like


def simulate_still(station: Station, progress: float, seed: np.random.SeedSequence) -> Still:
    """Simulate one frame; ``progress`` in [0, 1) is its place in the run, which sets the odds of a hit."""
    generator = np.random.default_rng(seed)
    wanted = wanted_spots(station.beamline.mix, progress, generator)
    scene, kind = _scene(station.beamline, wanted, generator)
    expected = expect(scene, station)
    photons = np.empty(expected.shape, np.int32)
    count(expected, stream(generator), photons)
    spots: tuple[Spot, ...] = ()
    if wanted:
        lit = light(station, scene.shadows, expected, wanted, generator)
        seen = add_spots(lit.table, lit.outline, station.gap, stream(generator), photons)
        spots = _listed(lit, seen, station.beamline.detector.gain)
    counts = _finish(station, scene, photons, generator)
    label = label_of(np.array([spot.significance for spot in spots]))
    return Still(counts, station.mask, spots, label, kind)


def expect(scene: Scene, station: Station) -> NDArray[np.float32]:
    """Return (rows, cols): the photons expected on each pixel without crystals."""
    expected = np.empty(station.radius.shape, np.float32)
    centre = station.beamline.detector.beam_centre
    passing = seen_from(station, scene.farther)
    lay_background(station.radius, passing, scene.radial.astype(np.float32), scene.tilt, expected)
    _lay_coherent(scene, centre, passing, expected)
    for flare in scene.flares:
        shine(expected, centre, flare)
    if scene.isotropic:
        beam = station.beamline.beam
        expected += scene.isotropic * passing * unpolarised(station.beamline.detector, beam)
    for shadow in scene.shadows:
        dim(expected, centre, shadow)
    if scene.bright_edges != 1:
        expected[station.edge] *= scene.bright_edges
    return expected


def _lay_coherent(
    scene: Scene,
    centre: tuple[float, float],
    passing: NDArray[np.float32],
    expected: NDArray[np.float32],
) -> None:
    """Add what ordered matter scatters; only that can be in speckles, water and air cannot."""
    light = np.zeros_like(expected) if scene.speckle else expected
    for ring in scene.rings:
        add_rings(centre, passing, ring.radial, ring.azimuthal, light)
    for spots in scene.grains:
        lay_spots(spots, passing, light)
    if scene.film is not None:
        light += scene.film * passing
    if scene.speckle:
        speckle(light, scene.speckle)
        expected += light


def _scene(beamline: Beamline, wanted: int, generator: np.random.Generator) -> tuple[Scene, str]:
    scene = usual(beamline, generator)
    if wanted == 0:
        names, weights = zip(*beamline.mix.misses, strict=True)
        kind = str(generator.choice(names, p=np.array(weights) / sum(weights)))
        trouble(kind, scene, beamline, generator)
        return scene, kind
    if generator.random() >= beamline.mix.troubled:
        return scene, "crystal"
    also = str(generator.choice(BESIDE_CRYSTALS))
    trouble(also, scene, beamline, generator)
    return scene, f"crystal+{also}"


def _listed(lit: Lit, seen: NDArray[np.float64], gain: float) -> tuple[Spot, ...]:
    """Return the spots that chance made significant, with the photons that came, in counts."""
    significances = significance(seen, lit.background)
    keep = significances >= _LISTED
    columns = (lit.table[keep, 0], lit.table[keep, 1], seen[keep] * gain, significances[keep])
    return tuple(Spot(*values) for values in zip(*(column.tolist() for column in columns), strict=True))


def _finish(
    station: Station, scene: Scene, photons: NDArray[np.int32], generator: np.random.Generator
) -> Counts:
    """Read the photons out, with all that goes wrong."""
    beamline = station.beamline
    counts = read_out(photons, beamline.detector, generator)
    zing(counts, scene.zingers, scene.extra_zingers, beamline, generator)
    hot, dead = station.bad
    if scene.hot:
        hot = np.concatenate([hot, generator.integers(counts.size, size=scene.hot)])
    spoil(counts, (hot, dead), beamline.detector, generator)
    counts[station.gap] = beamline.detector.gap_value
    return counts
