"""Artefacts of powders: ice, calibrants, silver behenate and salt, as smooth rings or as separate grains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fedbragg.simulation.artefacts.distance import move_detector_back
from fedbragg.simulation.background.powder_rings import (
    BEHENATE,
    BORIDE,
    CERIA,
    ICE,
    SILICON,
    Grains,
    Powder,
    PowderLine,
    grain_spots,
    ring_profile,
)
from fedbragg.simulation.background.radial import Rings, inverse_spacings, ring_texture
from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.scene import StillScene

_LONG_EXPOSURE_SHARE = 0.5
"""Share of calibrant frames with a long exposure: 30 to 30,000 photons a pixel on a ring."""


def add_ice(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add rings of hexagonal ice, or a few crystals of frost."""
    ice = [line._replace(weight=line.weight * generator.uniform(0.2, 1.8)) for line in ICE]
    if generator.random() < 0.25:  # frost
        scene.grain_spots.append(
            grain_spots(beamline, ice, _coarse_grains(generator), ring_height(scene, generator), generator)
        )
        return
    shape = _RingShape(generator.uniform(0.7, 3), generator.choice([0, 0, 30]), ring_height(scene, generator))
    _add_ring(scene, beamline, ice, shape, generator)


def add_powder(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add the rings of one or two calibrants."""
    for _ in range(generator.integers(1, 3)):
        arcs = generator.choice([0, 0, 8, 60])
        shape = _RingShape(generator.uniform(0.7, 3), arcs, _calibrant_height(scene, generator))
        _add_ring(scene, beamline, _calibrant(generator), shape, generator)


def add_grains(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add a calibrant with coarse grains, whose rings consist of single spots."""
    height = float(np.exp(generator.uniform(0, np.log(10_000))))
    spots = grain_spots(beamline, _calibrant(generator), _coarse_grains(generator), height, generator)
    scene.grain_spots.append(spots)


def add_minerals(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add one to three phases of many lines, each with fine grains in smooth or textured rings and some coarse ones.

    Ground samples have grains of all sizes: the fine ones make the ring, and the few coarse ones stand on it.
    """
    for _ in range(generator.integers(1, 4)):
        phase, height = _mineral(generator), _calibrant_height(scene, generator)
        coarse = float(generator.uniform(0, 1))  # share of the intensity in coarse grains
        arcs = generator.choice([0, 0, 10, 60])
        shape = _RingShape(generator.uniform(0.7, 3), arcs, height * (1 - coarse))
        _add_ring(scene, beamline, phase, shape, generator)
        grains = grain_spots(beamline, phase, _coarse_grains(generator), height * coarse, generator)
        scene.grain_spots.append(grains)


def add_behenate(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add the rings of silver behenate on a detector moved back, which is how this standard is measured."""
    far = move_detector_back(scene, beamline, (1, 12), generator)
    shape = _RingShape(generator.uniform(0.6, 4), 0, _calibrant_height(scene, generator))
    _add_ring(scene, far, BEHENATE, shape, generator)


def add_salt(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add one to six rings of random spacing and strength."""
    spacing = 1 / generator.uniform(0.08, 0.6, size=generator.integers(1, 7))
    salt = [PowderLine(float(d), float(generator.exponential())) for d in spacing]
    shape = _RingShape(
        generator.uniform(0.8, 12), generator.choice([0, 0, 20]), ring_height(scene, generator)
    )
    _add_ring(scene, beamline, salt, shape, generator)


def ring_height(scene: StillScene, generator: np.random.Generator) -> float:
    """Draw the photons a pixel on a powder's strongest ring, comparable to the background's."""
    return float(max(float(scene.radial.max()), 0.05) * np.exp(generator.normal(0.5, 1.2)))


@dataclass(frozen=True, slots=True)
class _RingShape:
    width: float  # pixel, standard deviation of a ring
    arcs: float  # mean number of arcs of large grains on a ring
    height: float  # photons a pixel on the strongest ring


def _calibrant(generator: np.random.Generator) -> Powder:
    """Draw a cubic standard or, with equal probability, a random cubic powder."""
    known = (CERIA, BORIDE, SILICON)[generator.integers(3)]
    if generator.random() < 0.5:
        return known
    stretch = float(np.exp(generator.normal(0, 0.3)))
    return [
        PowderLine(line.d * stretch, line.weight * generator.uniform(0.3, 1.7), line.multiplicity)
        for line in known
    ]


def _mineral(generator: np.random.Generator) -> Powder:
    """Draw a phase of low symmetry: 8 to 40 lines of very uneven strength."""
    number = int(generator.integers(8, 41))
    longest = float(generator.uniform(3.0, 12.0))
    # The number of lines up to 1/d grows with the cube of 1/d.
    spacing = longest * np.arange(1, number + 1) ** (-1 / 3) * generator.uniform(0.95, 1.05, number)
    weights, planes = generator.exponential(size=number), generator.choice([2, 4, 6, 8, 12], number)
    return [
        PowderLine(*line) for line in zip(spacing.tolist(), weights.tolist(), planes.tolist(), strict=True)
    ]


def _coarse_grains(generator: np.random.Generator) -> Grains:
    """Draw grains, from so few that a pattern has two or three spots to a thousand spots a ring."""
    grain_angle = np.exp(generator.uniform(np.log(0.03), np.log(100)))
    size, mosaicity = generator.uniform(0.5, 1.8), np.exp(generator.uniform(np.log(3e-4), np.log(1e-2)))
    strain = np.exp(generator.uniform(np.log(1e-4), np.log(2e-3)))
    volume_spread = float(generator.uniform(0.3, 1.5))
    return Grains(float(grain_angle), volume_spread, size, float(mosaicity), float(strain))


def _calibrant_height(scene: StillScene, generator: np.random.Generator) -> float:
    height = ring_height(scene, generator)
    if generator.random() < _LONG_EXPOSURE_SHARE:
        return float(np.exp(generator.uniform(np.log(30), np.log(30_000))))
    return height


def _add_ring(
    scene: StillScene, beamline: Beamline, powder: Powder, shape: _RingShape, generator: np.random.Generator
) -> None:
    profile = ring_profile(inverse_spacings(beamline), powder, shape.width) * shape.height
    contrast = generator.choice([0.0, 0.1, 0.5, 1.0])
    texture = ring_texture(generator, float(contrast), shape.arcs)
    scene.rings.append(Rings(profile.astype(np.float32), texture))
