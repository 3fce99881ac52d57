"""Draw a frame's crystals, so bright that a given number of their spots is visible.

Publications report how many spots hits show, but not how many photons their crystals scatter. One factor (flux times
crystal volume) scales all spots. Sorting the spots by the factor at which each becomes visible gives the factor for n
visible spots. See docs/decisions/0021-brightness-from-visible-spots.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.background.shadows import Shadow, shadow_transmission
from fedbragg.simulation.beamline import Beamline, Detector, Mix
from fedbragg.simulation.crystal.diffraction import (
    CrystalQuality,
    ExcitedReflections,
    excite,
    random_rotation,
)
from fedbragg.simulation.crystal.reflections import Reflections
from fedbragg.simulation.crystal.visibility import HIT_SPOTS, MAYBE_SPOTS, photons_needed
from fedbragg.simulation.station import Station

_MOST_CRYSTALS = 12  # in the beam
_MOST_VISIBLE = (
    0.6  # share of the reflections on the detector that may be visible; more takes another crystal
)


@dataclass(frozen=True, slots=True, eq=False)
class CrystalSpots:
    """The spots of a frame's crystals, in expected photons."""

    table: NDArray[np.float64]  # (n, 6), as exposure.add_counted_spots takes it
    outline: NDArray[np.float64]  # (k, 3), the crystal's pieces: offset in columns, in rows, share
    background: NDArray[np.float64]  # (n,), expected photons under each spot


def wanted_spots(mix: Mix, progress: float, generator: np.random.Generator) -> int:
    """Draw how many visible spots a frame gets; 0 means no crystal."""
    hit, maybe = mix.rates[min(int(progress * len(mix.rates)), len(mix.rates) - 1)]
    drawn = generator.random()
    if drawn < hit:
        median, spread = mix.spots
        return max(round(float(generator.lognormal(np.log(median), spread))), HIT_SPOTS + 1)
    if drawn < hit + maybe:
        return int(generator.integers(MAYBE_SPOTS + 1, HIT_SPOTS))
    # Some misses have a crystal so weak that no expert sees it.
    return int(generator.integers(1, MAYBE_SPOTS)) if generator.random() < mix.too_weak else 0


def draw_crystals(
    station: Station,
    shadows: Sequence[Shadow],
    expected: NDArray[np.float32],
    wanted: int,
    generator: np.random.Generator,
) -> CrystalSpots:
    """Draw crystals so bright that ``wanted`` of their spots are visible.

    ``expected`` (rows, cols) holds the expected photons without crystals.
    """
    beamline = station.beamline
    table = _crystals(beamline, station.crystal, wanted, generator)
    outline = random_outline(beamline.sample.outline, generator)
    rows = np.clip(np.round(table[:, 1]).astype(int), 0, expected.shape[0] - 1)
    cols = np.clip(np.round(table[:, 0]).astype(int), 0, expected.shape[1] - 1)
    table[:, 2] *= station.transmission[rows, cols] * ~station.gap[rows, cols]
    for shadow in shadows:
        table[:, 2] *= shadow_transmission(
            shadow,
            table[:, 0] - beamline.detector.beam_centre[0],
            table[:, 1] - beamline.detector.beam_centre[1],
        )
    background = footprint(table, outline, beamline.detector) * (
        expected[rows, cols] + (beamline.detector.read_noise / beamline.detector.gain) ** 2
    )
    limit = photons_needed(background) / np.maximum(table[:, 2], 1e-30)
    if len(limit):
        nth = min(wanted, max(int(_MOST_VISIBLE * len(limit)), 1), len(limit)) - 1
        table[:, 2] *= np.partition(limit, nth)[nth] * 1.02
    keep = table[:, 2] > 0.05
    return CrystalSpots(table[keep], outline, background[keep])


def random_outline(extent: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw a crystal's image as one to four pieces (k, 3): offset in columns, in rows, in pixels; share."""
    pieces = int(generator.integers(1, 5))
    angle = generator.uniform(0, np.pi)
    along, across = extent * generator.normal(size=pieces), 0.4 * extent * generator.normal(size=pieces)
    share = generator.uniform(0.2, 1, size=pieces)
    share /= share.sum()
    x = along * np.cos(angle) - across * np.sin(angle)
    y = along * np.sin(angle) + across * np.cos(angle)
    return np.stack([x - share @ x, y - share @ y, share], axis=1)


def footprint(
    table: NDArray[np.float64], outline: NDArray[np.float64], detector: Detector
) -> NDArray[np.float64]:
    """Return each spot's effective area (n,) in pixels, 4 pi sqrt(det of its covariance)."""
    x, y, share = outline.T
    blur = detector.point_spread**2 if detector.integrating else 0.0
    round_part = table[:, 3] ** 2 + blur + 1 / 12
    xx = round_part + share @ (x * x) + table[:, 4] ** 2
    yy = round_part + share @ (y * y) + table[:, 5] ** 2
    xy = share @ (x * y) + table[:, 4] * table[:, 5]
    return np.asarray(4 * np.pi * np.sqrt(np.maximum(xx * yy - xy * xy, 1e-3)))


def _crystals(
    beamline: Beamline, crystal: Reflections, wanted: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return the spots (n, 6) of random crystals, as many as ``wanted`` visible spots need."""
    tables: list[NDArray[np.float64]] = []
    at_least = 1 + generator.poisson(beamline.sample.extra_lattices)
    for number in range(_MOST_CRYSTALS):
        if number >= at_least and sum(len(table) for table in tables) * _MOST_VISIBLE >= wanted:
            break
        quality = _quality(beamline, generator)
        excited = excite(crystal, random_rotation(generator), quality, beamline)
        share = 1.0 if number == 0 else float(np.exp(generator.normal(-0.3, 0.7)))
        tables.append(_spot_table(excited, quality, share, beamline.detector))
    return np.concatenate(tables)


def _quality(beamline: Beamline, generator: np.random.Generator) -> CrystalQuality:
    sample = beamline.sample
    mosaicity, size = np.exp(generator.normal(0, sample.spread, size=2))
    spread = 0.0 if beamline.detector.integrating else beamline.detector.point_spread
    return CrystalQuality(
        float(sample.mosaicity * mosaicity), sample.domain, float(np.hypot(sample.size * size, spread))
    )


def _spot_table(
    excited: ExcitedReflections, quality: CrystalQuality, share: float, detector: Detector
) -> NDArray[np.float64]:
    """Return a crystal's spots (n, 6): bandwidth stretches them along the radius, mosaicity across it."""
    x, y = excited.column - detector.beam_centre[0], excited.row - detector.beam_centre[1]
    away = np.maximum(np.hypot(x, y), 1e-6)
    radial, tangential = np.minimum(excited.radial, 8.0), np.minimum(quality.mosaicity * away, 8.0)
    width = np.hypot(quality.size, np.minimum(radial, tangential))
    stretch = np.sqrt(abs(radial**2 - tangential**2))
    outwards = radial > tangential
    along_x, along_y = np.where(outwards, x, -y) / away, np.where(outwards, y, x) / away
    strength = excited.strength * share
    return np.stack(
        [excited.column, excited.row, strength, width, stretch * along_x, stretch * along_y], axis=1
    )
