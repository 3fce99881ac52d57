"""How bright a frame's crystals are: as bright as makes a drawn number of their spots visible.

Beamlines know how many spots their hits show, not how many photons their crystals scatter. Every spot's photons grow
with one factor (flux times crystal volume), so the number of visible spots grows with it, and the factor that
makes n visible is found by sorting. See docs/decisions/0021-brightness-from-visible-spots.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulate.beamline import Beamline, Mix
from fedbragg.simulate.crystal import Reflections
from fedbragg.simulate.diffraction import Excited, Quality, excite, random_rotation
from fedbragg.simulate.visibility import HIT_SPOTS, MAYBE_SPOTS, needed

_LATTICES = 12  # crystals in the beam at most
_SHARE = 0.6  # of the reflections on the detector that may be visible before another crystal must be there


@dataclass(frozen=True, slots=True, eq=False)
class Lit:
    """The spots of a frame's crystals as they are to be drawn."""

    table: NDArray[
        np.float64
    ]  # (n, 6): column, row, expected photons, round width, width along column and row
    background: NDArray[np.float64]  # (n,), photons expected under each


def wanted_spots(mix: Mix, progress: float, generator: np.random.Generator) -> int:
    """Draw how many spots a frame shall show; 0 is no crystal at all."""
    hit, maybe = mix.rates[min(int(progress * len(mix.rates)), len(mix.rates) - 1)]
    drawn = generator.random()
    if drawn < hit:
        median, spread = mix.spots
        return max(round(float(generator.lognormal(np.log(median), spread))), HIT_SPOTS + 1)
    if drawn < hit + maybe:
        low, high = np.log(MAYBE_SPOTS + 0.5), np.log(HIT_SPOTS - 1)
        return round(float(np.exp(generator.uniform(low, high))))
    # Now and then a crystal so weak that no expert sees it.
    return int(generator.integers(1, MAYBE_SPOTS)) if generator.random() < mix.unseen else 0


def light(
    beamline: Beamline,
    crystal: Reflections,
    transmission: NDArray[np.float32],
    expected: NDArray[np.float32],
    wanted: int,
    generator: np.random.Generator,
) -> Lit:
    """Draw crystals, and the brightness at which ``wanted`` of their spots are visible."""
    table, background = _crystals(beamline, crystal, expected, wanted, generator)
    rows = np.clip(table[:, 1].astype(int), 0, expected.shape[0] - 1)
    cols = np.clip(table[:, 0].astype(int), 0, expected.shape[1] - 1)
    table[:, 2] *= transmission[rows, cols]
    limit = needed(background) / np.maximum(table[:, 2], 1e-30)
    if len(limit):
        nth = min(wanted, max(int(_SHARE * len(limit)), 1), len(limit)) - 1
        table[:, 2] *= np.partition(limit, nth)[nth] * 1.02
    keep = table[:, 2] > 0.05
    return Lit(table[keep], background[keep])


def _crystals(
    beamline: Beamline,
    crystal: Reflections,
    expected: NDArray[np.float32],
    wanted: int,
    generator: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the spots of as many random crystals as ``wanted`` visible ones take, and what lies under them."""
    tables: list[NDArray[np.float64]] = []
    least = 1 + generator.poisson(beamline.sample.extra_lattices)
    for number in range(_LATTICES):
        if number >= least and sum(len(table) for table in tables) * _SHARE >= wanted:
            break
        quality = _quality(beamline, generator)
        excited = excite(crystal, random_rotation(generator), quality, beamline)
        share = 1.0 if number == 0 else float(np.exp(generator.normal(-0.3, 0.7)))
        tables.append(_table(excited, quality, share, beamline))
    table = np.concatenate(tables)
    return table, _under(table, expected, beamline)


def _quality(beamline: Beamline, generator: np.random.Generator) -> Quality:
    sample = beamline.sample
    mosaicity, size = np.exp(generator.normal(0, sample.spread, size=2))
    spread = beamline.detector.point_spread
    width = float(np.hypot(sample.size * size, 0.0 if beamline.detector.integrating else spread))
    return Quality(float(sample.mosaicity * mosaicity), sample.domain, width)


def _table(excited: Excited, quality: Quality, share: float, beamline: Beamline) -> NDArray[np.float64]:
    x = excited.column - beamline.detector.beam_centre[0]
    y = excited.row - beamline.detector.beam_centre[1]
    away = np.maximum(np.hypot(x, y), 1e-6)
    width = np.full(len(x), quality.size)
    radial = np.minimum(excited.radial, 12)
    strength = excited.strength * share
    return np.stack(
        [excited.column, excited.row, strength, width, radial * x / away, radial * y / away], axis=1
    )


def _under(
    table: NDArray[np.float64], expected: NDArray[np.float32], beamline: Beamline
) -> NDArray[np.float64]:
    """Return the photons expected under each spot's effective area, 4 pi sigma^2 (the read noise's worth included)."""
    detector = beamline.detector
    rows = np.clip(np.round(table[:, 1]).astype(int), 0, expected.shape[0] - 1)
    cols = np.clip(np.round(table[:, 0]).astype(int), 0, expected.shape[1] - 1)
    blur = detector.point_spread**2 if detector.integrating else 0.0
    short = table[:, 3] ** 2 + blur + 1 / 12
    long = short + table[:, 4] ** 2 + table[:, 5] ** 2
    noise = (detector.read_noise / detector.gain) ** 2
    return np.asarray(4 * np.pi * np.sqrt(short * long) * (expected[rows, cols] + noise))
