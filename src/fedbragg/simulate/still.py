"""One still of a beamline: crystals, scene, exposure, readout, spots, label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulate.beamline import Beamline
from fedbragg.simulate.brightness import Lit, light, wanted_spots
from fedbragg.simulate.chance import state_of
from fedbragg.simulate.crystal import Reflections, reflections
from fedbragg.simulate.defects import bad_pixels, spoil, zing, zinger_number
from fedbragg.simulate.exposure import add_rings, add_spots, count, lay_background
from fedbragg.simulate.panels import gaps, radius, transmission
from fedbragg.simulate.readout import read_out
from fedbragg.simulate.scene import BESIDE_CRYSTALS, Scene, trouble, usual
from fedbragg.simulate.shadows import dim, shine
from fedbragg.simulate.visibility import label_of, significance
from fedbragg.types import Counts, Label, Spot

_LISTED = 2.0  # standard deviations above which a spot is listed


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A simulated frame, and the truth about it."""

    counts: Counts  # (rows, cols), as the detector writes them
    mask: NDArray[np.bool_]  # (rows, cols), True = ignore; one array for the whole run
    spots: tuple[Spot, ...]  # every Bragg spot of significance 2 or more; intensity in counts
    label: Label
    kind: str  # what it shows: "crystal", "weak", a trouble, or "crystal+ice" and the like


@dataclass(frozen=True, slots=True, eq=False)
class Station:
    """A beamline set up for a run: what all its frames share."""

    beamline: Beamline
    crystal: Reflections
    gap: NDArray[np.bool_]  # (rows, cols)
    mask: NDArray[np.bool_]  # (rows, cols), gaps and known bad pixels
    edge: NDArray[np.bool_]  # (rows, cols), pixels beside a gap
    radius: NDArray[np.float32]  # (rows, cols), pixel
    transmission: NDArray[np.float32]  # (rows, cols)
    bad: tuple[NDArray[np.int64], NDArray[np.int64]]  # places of hot and of dead pixels


def set_up(beamline: Beamline, seed: np.random.SeedSequence) -> Station:
    """Prepare what the frames of one run share."""
    detector = beamline.detector
    gap = gaps(detector)
    bad = bad_pixels(detector, np.random.default_rng(seed))
    mask = gap.copy()
    if detector.known_bad:
        mask.reshape(-1)[bad[1]] = True
    edge = ~gap & _beside(gap)
    factors = transmission(detector, beamline.beam)
    return Station(beamline, reflections(beamline.sample), gap, mask, edge, radius(detector), factors, bad)


def simulate_still(station: Station, progress: float, seed: np.random.SeedSequence) -> Still:
    """Simulate one frame; ``progress`` in [0, 1) is its place in the run, which sets the odds of a hit."""
    generator = np.random.default_rng(seed)
    beamline = station.beamline
    wanted = wanted_spots(beamline.mix, progress, generator)
    scene, kind = _scene(beamline, wanted, generator)
    expected = expect(scene, station)
    photons = np.empty(expected.shape, np.int32)
    count(expected, state_of(generator), photons)
    photons[station.gap] = 0
    spots, lit = _add_crystals(station, wanted, expected, photons, generator)
    zing(
        photons,
        zinger_number(beamline.background, scene.zingers, generator) + scene.extra_zingers,
        beamline.background,
        generator,
    )
    counts = _finish(station, scene, photons, generator)
    return Still(counts, station.mask, spots, label_of(lit), kind)


def _scene(beamline: Beamline, wanted: int, generator: np.random.Generator) -> tuple[Scene, str]:
    scene = usual(beamline, generator)
    if wanted == 0:
        names = [name for name, _ in beamline.mix.misses]
        weights = np.array([weight for _, weight in beamline.mix.misses])
        kind = str(generator.choice(names, p=weights / weights.sum()))
        trouble(kind, scene, beamline, generator)
        return scene, kind
    kind = "crystal"
    if generator.random() < beamline.mix.troubled:
        also = str(generator.choice(BESIDE_CRYSTALS))
        trouble(also, scene, beamline, generator)
        kind = f"crystal+{also}"
    return scene, kind


def expect(scene: Scene, station: Station) -> NDArray[np.float32]:
    """Return (rows, cols): the photons expected on each pixel without crystals."""
    expected = np.empty(station.radius.shape, np.float32)
    centre = station.beamline.detector.beam_centre
    lay_background(station.radius, station.transmission, scene.radial.astype(np.float32), expected)
    for ring in scene.rings:
        add_rings(centre, station.transmission, ring.radial, ring.azimuthal, expected)
    for flare in scene.flares:
        shine(expected, centre, flare)
    for shadow in scene.shadows:
        dim(expected, centre, shadow)
    if scene.bright_edges != 1:
        expected[station.edge] *= scene.bright_edges
    return expected


def _add_crystals(
    station: Station,
    wanted: int,
    expected: NDArray[np.float32],
    photons: NDArray[np.int32],
    generator: np.random.Generator,
) -> tuple[tuple[Spot, ...], NDArray[np.float64]]:
    """Add the spots' photons and return the spots with the significance that was realised."""
    if wanted == 0:
        return (), np.zeros(0)
    lit = light(station.beamline, station.crystal, station.transmission, expected, wanted, generator)
    seen = add_spots(lit.table, station.gap, state_of(generator), photons)
    significances = significance(seen, lit.background)
    return _listed(lit, seen, significances, station.beamline.detector.gain), significances


def _listed(
    lit: Lit, seen: NDArray[np.float64], significances: NDArray[np.float64], gain: float
) -> tuple[Spot, ...]:
    keep = significances >= _LISTED
    columns = (lit.table[keep, 0], lit.table[keep, 1], seen[keep] * gain, significances[keep])
    return tuple(Spot(*values) for values in zip(*(column.tolist() for column in columns), strict=True))


def _finish(
    station: Station, scene: Scene, photons: NDArray[np.int32], generator: np.random.Generator
) -> Counts:
    detector = station.beamline.detector
    counts = read_out(photons, detector, generator)
    hot, dead = station.bad
    if scene.hot:
        hot = np.concatenate([hot, generator.integers(counts.size, size=scene.hot)])
    spoil(counts, (hot, dead), detector, generator)
    counts[station.gap] = detector.gap_value
    return counts


def _beside(gap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    beside = np.zeros_like(gap)
    beside[1:] |= gap[:-1]
    beside[:-1] |= gap[1:]
    beside[:, 1:] |= gap[:, :-1]
    beside[:, :-1] |= gap[:, 1:]
    return beside
