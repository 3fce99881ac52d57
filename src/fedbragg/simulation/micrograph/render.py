"""Render a structure in a style as a picture, in the order in which surface, light and camera act."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.micrograph.fields import Field, blurred, smooth_noise
from fedbragg.simulation.micrograph.marks import add_marks
from fedbragg.simulation.micrograph.structure import Structure
from fedbragg.simulation.micrograph.style import Camera, Etching, Particle, Style

Picture = NDArray[np.uint8]
"""(rows, cols, 3) as a camera writes it: red, green, blue."""
LINE = 2.0
"""pixel, width of the lines in Structure.boundaries."""
CLOSEST, FARTHEST = 3.0, 15.0
"""pixel, the distances of two parallel marks within a grain."""
MARKED = 0.5
"""Share of the grains that have such marks."""
SOFTNESS = 0.3
"""Standard deviations of the etching's strength over which a boundary fades out."""


def render(structure: Structure, style: Style, generator: np.random.Generator) -> Picture:
    """Picture a structure in a style; differences from picture to picture are drawn from ``generator``."""
    surface = _etched(structure, style.etching, generator)
    _add_particles(surface, structure.particles > 0, style.particle)
    grey = add_marks(np.zeros(structure.grains.shape, np.float32), style.marks, generator)
    return _photographed(surface + grey, style.camera, generator)


def _etched(structure: Structure, etching: Etching, generator: np.random.Generator) -> Field:
    """Return the grey levels of grains and boundaries in three colours, (3, rows, cols)."""
    grains = structure.grains
    count = int(grains.max()) + 1
    levels = generator.normal(0, etching.shading, count)
    tints = etching.tint * generator.standard_normal((3, count))
    of_grain = (etching.matrix + levels + tints - tints.mean(axis=0)).astype(np.float32)
    orientations = generator.standard_normal((count, 3))
    drawn = _boundary_strength(grains, orientations) * _etched_share(grains.shape, etching, generator)
    surface: Field = of_grain[:, grains] + np.float32(etching.contrast) * _profile(drawn, etching.width)
    if etching.streaks > 0:
        surface += np.float32(etching.streaks) * _streaks(grains, generator)
    return surface


def _streaks(grains: NDArray[np.int32], generator: np.random.Generator) -> Field:
    """Return parallel marks within grains (rows, cols): one direction and distance a grain, strong here, absent there.

    The root of their mean square is about 1 where they are strong.
    """
    count = int(grains.max()) + 1
    direction, start = generator.uniform(0, math.pi, count), generator.uniform(0, 2 * math.pi, count)
    wave = 2 * math.pi / np.exp(generator.uniform(math.log(CLOSEST), math.log(FARTHEST), count))
    row, col = np.indices(grains.shape, np.float32)
    along = (wave * np.cos(direction))[grains] * col + (wave * np.sin(direction))[grains] * row
    strength = np.clip(smooth_noise(grains.shape, FARTHEST, generator), 0, None)
    marked = generator.random(count) < MARKED
    streaks: Field = (strength * marked[grains] * math.sqrt(2) * np.sin(along + start[grains])).astype(
        np.float32
    )
    return streaks


def _boundary_strength(grains: NDArray[np.int32], orientations: NDArray[np.float64]) -> Field:
    """Return the depth of etching of a boundary (rows, cols): smaller for grains of similar orientation."""
    strength = np.zeros(grains.shape, np.float32)
    for axis in (0, 1):
        after = np.roll(grains, -1, axis)
        row, col = np.nonzero(grains != after)
        turned = np.linalg.norm(orientations[grains[row, col]] - orientations[after[row, col]], axis=1)
        here = np.zeros(grains.shape, np.float32)
        here[row, col] = np.minimum(turned, 1.0)
        strength = np.maximum(strength, np.maximum(here, np.roll(here, 1, axis)))
    return strength


def _etched_share(shape: tuple[int, int], etching: Etching, generator: np.random.Generator) -> Field | float:
    if etching.unetched <= 0:
        return 1.0
    attack = smooth_noise(shape, etching.reach, generator)
    least = np.quantile(attack, etching.unetched)
    share: Field = np.clip((attack - least) / SOFTNESS, 0, 1).astype(np.float32)
    return share


def _profile(lines: Field, width: float) -> Field:
    """Blur lines to a groove's profile of the same depth."""
    return blurred(lines, width) * np.float32(max(1.0, width * math.sqrt(2 * math.pi) / LINE))


def _add_particles(surface: Field, inside: NDArray[np.bool_], particle: Particle) -> None:
    """Add particles, their rims and their relief to the grey levels (3, rows, cols), in place."""
    if not inside.any():
        return
    ground = surface.mean(axis=(1, 2), keepdims=True)
    share = blurred(inside.astype(np.float32), 0.6)
    surface += share * (ground + np.float32(particle.contrast) - surface)
    edge = inside ^ np.roll(inside, 1, 0) | inside ^ np.roll(inside, 1, 1)
    soft = blurred(inside.astype(np.float32), particle.rim_width)
    slope_row, slope_col = np.gradient(soft)
    lit = math.cos(particle.light) * slope_col + math.sin(particle.light) * slope_row
    surface += np.float32(particle.rim) * _profile(edge.astype(np.float32), particle.rim_width)
    surface += np.float32(particle.relief * particle.rim_width * math.sqrt(2 * math.pi)) * lit


def _photographed(surface: Field, camera: Camera, generator: np.random.Generator) -> Picture:
    """Return the camera's picture of grey levels (3, rows, cols)."""
    shape = surface.shape[1:]
    row = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    col = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    light = 1 - np.float32(camera.vignetting) * (row**2 + col**2) / 2
    turn = generator.uniform(0, 2 * math.pi)
    slope = np.float32(camera.slope / 2) * (math.cos(turn) * col + math.sin(turn) * row)
    grey = np.allclose(surface[0], surface[1]) and np.allclose(surface[0], surface[2])
    planes = surface[:1] if grey else surface
    sharp = np.stack([blurred(plane * light, camera.defocus) for plane in planes])
    noise = camera.texture * smooth_noise(shape, camera.texture_length, generator)
    seen = sharp + slope + noise + camera.noise * generator.standard_normal(sharp.shape, dtype=np.float32)
    written = np.clip(seen, 0, 1) ** np.float32(camera.gamma)
    levels = np.rint(written * 255).astype(np.uint8)
    return np.moveaxis(np.broadcast_to(levels, (3, *shape)), 0, -1).copy()
