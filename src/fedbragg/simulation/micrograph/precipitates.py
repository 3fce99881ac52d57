"""Two-phase structures: particles in a matrix, by the distributions of their size and spacing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TRIES = 30
"""Places tried for a particle before it is left out: the matrix is then as full as chance packs it."""
HARMONICS = 4
"""Lowest waves around a particle's rim that roughness gives a height."""


@dataclass(frozen=True, slots=True)
class Population:
    """Particles of one kind."""

    diameter: float  # pixel, median
    spread: float  # standard deviation of the diameter's natural logarithm
    fraction: float  # of the area, where there is room for it
    squareness: float = 2.0  # exponent of the rim: 2 an ellipse, 4 and more a rounded square
    elongation: float = 1.0  # long over short axis
    direction: float = 0.0  # radian, of the long axis
    roughness: float = 0.0  # standard deviation of the rim, in radii
    gap: float = 0.1  # least distance of two rims, in radii of both; below 0 particles grow together


@dataclass(frozen=True, slots=True, eq=False)
class Particles:
    """Positions and sizes of particles."""

    centres: NDArray[np.float64]  # (particles, 2) pixel, row and column
    radii: NDArray[np.float64]  # (particles,) pixel
    kinds: NDArray[np.intp]  # (particles,) index of the population


def place_particles(
    populations: tuple[Population, ...], shape: tuple[int, int], generator: np.random.Generator
) -> Particles:
    """Place particles at random, the largest of each population first, so that no two come too close.

    Distances wrap around the edges. A later population fills the room that the earlier ones leave.
    """
    centres, radii, kinds = np.empty((0, 2)), np.empty(0), list[int]()
    for kind, population in enumerate(populations):
        for radius in _draw_radii(population, shape, generator):
            tried = generator.uniform(size=(TRIES, 2)) * shape
            free = _free(tried, radius, population.gap, centres, radii, shape)
            if free.any():
                centres = np.vstack([centres, tried[free.argmax()]])
                radii = np.append(radii, radius)
                kinds.append(kind)
    return Particles(centres, radii, np.array(kinds, np.intp))


def draw_phases(
    particles: Particles,
    populations: tuple[Population, ...],
    shape: tuple[int, int],
    generator: np.random.Generator,
) -> NDArray[np.int32]:
    """Return (rows, cols): 0 in the matrix, else the number of the particle from 1; later ones lie on top."""
    numbers = np.zeros(shape, np.int32)
    for number, (centre, radius, kind) in enumerate(
        zip(particles.centres, particles.radii, particles.kinds, strict=True), start=1
    ):
        population = populations[kind]
        reach = math.ceil(radius * population.elongation * (1 + 4 * population.roughness)) + 1
        offsets = np.arange(-reach, reach + 1)
        row, col = np.meshgrid(offsets - centre[0] % 1, offsets - centre[1] % 1, indexing="ij")
        inside = _inside(population, radius, row, col, generator)
        rows = (int(centre[0]) + offsets) % shape[0]
        cols = (int(centre[1]) + offsets) % shape[1]
        window = numbers[np.ix_(rows, cols)]
        numbers[np.ix_(rows, cols)] = np.where(inside, number, window)
    return numbers


def _draw_radii(
    population: Population, shape: tuple[int, int], generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return radii, falling, whose discs together have the wanted area."""
    area = population.fraction * shape[0] * shape[1]
    mean = math.pi / 4 * population.diameter**2 * math.exp(2 * population.spread**2)
    count = 2 * math.ceil(area / mean) + 8
    limit = min(shape) / 4
    radii = np.minimum(
        population.diameter / 2 * np.exp(population.spread * generator.standard_normal(count)), limit
    )
    enough = int(np.searchsorted(np.cumsum(math.pi * radii**2), area)) + 1
    return np.sort(radii[:enough])[::-1]


def _free(
    tried: NDArray[np.float64],
    radius: float,
    gap: float,
    centres: NDArray[np.float64],
    radii: NDArray[np.float64],
    shape: tuple[int, int],
) -> NDArray[np.bool_]:
    size = np.array(shape, float)
    apart = np.abs(tried[:, None] - centres[None])
    distance = np.linalg.norm(np.minimum(apart, size - apart), axis=-1)
    free: NDArray[np.bool_] = (distance > (1 + gap) * (radius + radii)[None]).all(axis=1)
    return free


def _inside(
    population: Population,
    radius: float,
    row: NDArray[np.float64],
    col: NDArray[np.float64],
    generator: np.random.Generator,
) -> NDArray[np.bool_]:
    """Return whether offsets from a particle's centre lie inside its rim."""
    cos, sin = math.cos(population.direction), math.sin(population.direction)
    stretch = math.sqrt(population.elongation)
    along, across = (cos * col + sin * row) / stretch, (cos * row - sin * col) * stretch
    rim = np.full(row.shape, radius)
    if population.roughness > 0:
        angle = np.arctan2(across, along)
        heights = generator.normal(0, population.roughness / math.sqrt(HARMONICS / 2), HARMONICS)
        phases = generator.uniform(0, 2 * math.pi, HARMONICS)
        for wave, (height, phase) in enumerate(zip(heights, phases, strict=True), start=2):
            rim *= np.exp(height * np.cos(wave * angle + phase))
    power = population.squareness
    distance = (np.abs(along) ** power + np.abs(across) ** power) ** (1 / power)
    inside: NDArray[np.bool_] = distance <= rim
    return inside
