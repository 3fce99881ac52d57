"""Simulated micrographs with their truth: draws for a laboratory, and draws for each of its pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.micrograph.channels import Packing, in_channels, pack_precipitates
from fedbragg.simulation.micrograph.draws import log_uniform
from fedbragg.simulation.micrograph.fields import smooth_noise, warped
from fedbragg.simulation.micrograph.potts import GrainGrowth, grow_grains
from fedbragg.simulation.micrograph.precipitates import Population, draw_phases, place_particles
from fedbragg.simulation.micrograph.render import Picture, render
from fedbragg.simulation.micrograph.structure import Structure, single_grain
from fedbragg.simulation.micrograph.style import Style

Kind = Literal["grains", "precipitates"]
BICONTINUOUS = 0.15
"""Share of the two-phase structures that are two networks, as spinodal decomposition leaves them (Cahn 1965)."""
RAGGED = 0.4
"""Share of the grain structures whose boundaries are not smooth: deformed or pinned, as after hot rolling."""
PACKED = 0.4
"""Share of the two-phase structures that are so dense that channels of matrix part the precipitates."""


@dataclass(frozen=True, slots=True, eq=False)
class Micrograph:
    """A picture and its truth."""

    picture: Picture  # (rows, cols, 3) red, green, blue
    structure: Structure


def simulate_micrograph(
    kind: Kind, shape: tuple[int, int], style: Style, generator: np.random.Generator
) -> Micrograph:
    """Draw a structure and picture it in a style; ``shape`` is (rows, cols) in pixels."""
    structure = draw_structure(kind, shape, generator)
    return Micrograph(render(structure, style, generator), structure)


def draw_structure(kind: Kind, shape: tuple[int, int], generator: np.random.Generator) -> Structure:
    """Draw a structure of either kind; some grains carry small particles."""
    if kind == "precipitates":
        return Structure(single_grain(shape), _draw_precipitates(shape, generator))
    grains = grow_grains(GrainGrowth(shape, log_uniform(generator, 14, 80)), generator).grains
    if generator.random() < RAGGED:
        length = log_uniform(generator, 2, 8)
        grains = warped(grains, generator.uniform(0.2, 0.6) * length, length, generator)
    particles = np.zeros(shape, np.int32)
    if generator.random() < 0.2:
        particles = _drawn((_draw_small(generator),), shape, generator)
    return Structure(grains, particles)


def _draw_precipitates(shape: tuple[int, int], generator: np.random.Generator) -> NDArray[np.int32]:
    if generator.random() < BICONTINUOUS:
        field = smooth_noise(shape, log_uniform(generator, 3, 12), generator)
        # The smaller part counts as the precipitate: nothing else distinguishes two similar networks.
        return (field > np.quantile(field, 1 - generator.uniform(0.15, 0.4))).astype(np.int32)
    if generator.random() < PACKED:
        precipitates = pack_precipitates(_draw_packing(generator), shape, generator)
        return in_channels(_drawn((_draw_small(generator),), shape, generator), precipitates)
    populations: tuple[Population, ...] = (_draw_large(generator),)
    if generator.random() < 0.5:
        populations += (_draw_small(generator),)
    return _drawn(populations, shape, generator)


def _drawn(
    populations: tuple[Population, ...], shape: tuple[int, int], generator: np.random.Generator
) -> NDArray[np.int32]:
    particles = place_particles(populations, shape, generator)
    return draw_phases(particles, populations, shape, generator)


def _draw_packing(generator: np.random.Generator) -> Packing:
    diameter = log_uniform(generator, 18, 90)
    return Packing(
        diameter=diameter,
        channel=log_uniform(generator, 2.5, max(diameter / 4, 5)),
        rounding=generator.uniform(0.05, 0.25) * diameter,
        grown_together=generator.uniform(0, 0.4),
        missing=generator.choice([0.0, generator.uniform(0, 0.4)]),
    )


def _draw_large(generator: np.random.Generator) -> Population:
    return Population(
        diameter=log_uniform(generator, 12, 90),
        spread=generator.uniform(0.1, 0.6),
        fraction=generator.uniform(0.08, 0.5),
        squareness=generator.choice([2.0, generator.uniform(2, 6)]),
        elongation=log_uniform(generator, 1, 2.5),
        direction=generator.uniform(0, math.pi),
        roughness=generator.choice([0.0, generator.uniform(0, 0.2)]),
        gap=generator.uniform(-0.4, 0.3),
    )


def _draw_small(generator: np.random.Generator) -> Population:
    return Population(
        diameter=log_uniform(generator, 4, 12),
        spread=generator.uniform(0.1, 0.3),
        fraction=log_uniform(generator, 0.005, 0.1),
        gap=generator.uniform(0.05, 0.5),
    )
