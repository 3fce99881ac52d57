"""Marks of preparation on a surface: scratches, which look like boundaries, polishing marks and pits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.micrograph.fields import Field, blurred, smooth_noise
from fedbragg.simulation.micrograph.style import Marks

REFERENCE = 512 * 512
"""pixel, the area in which Marks counts scratches and pits."""
BEND = 0.02
"""Standard deviation of a scratch's bow, in its length."""


def add_marks(surface: Field, marks: Marks, generator: np.random.Generator) -> Field:
    """Add all marks to grey levels (rows, cols), in place, and return them."""
    per_area = surface.size / REFERENCE
    for _ in range(generator.poisson(marks.scratches * math.sqrt(per_area))):
        surface += generator.normal(0, marks.scratch_contrast) * _scratch(surface.shape, generator)
    if marks.polishing > 0:
        surface += _polishing(surface.shape, marks, generator)
    if marks.pits > 0:
        surface += _pits(surface.shape, marks, generator.poisson(marks.pits * per_area), generator)
    return surface


def _scratch(shape: tuple[int, ...], generator: np.random.Generator) -> Field:
    """Return a scratch of height 1 (rows, cols): a line that starts and ends anywhere and bends a little."""
    start = generator.uniform(-0.1, 1.1, 2) * shape
    direction, length = generator.uniform(0, 2 * math.pi), generator.uniform(0.2, 1.2) * max(shape)
    width, bow = generator.uniform(0.5, 1.5), generator.normal(0, BEND) * length
    row = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(start[0])
    col = np.arange(shape[1], dtype=np.float32)[None] - np.float32(start[1])
    along = (math.cos(direction) * col + math.sin(direction) * row) / length
    across = math.cos(direction) * row - math.sin(direction) * col - 4 * bow * along * (1 - along)
    height = np.exp(-0.5 * (across / width) ** 2) * ((along > 0) & (along < 1))
    return height.astype(np.float32)


def _polishing(shape: tuple[int, ...], marks: Marks, generator: np.random.Generator) -> Field:
    """Return fine parallel marks (rows, cols), stronger here and weaker there."""
    row = np.arange(shape[0], dtype=np.float32)[:, None]
    col = np.arange(shape[1], dtype=np.float32)[None]
    across = math.cos(marks.polishing_direction) * row - math.sin(marks.polishing_direction) * col
    span = math.ceil(math.hypot(*shape)) + 2
    lines = generator.standard_normal(2 * span + 2, dtype=np.float32)
    place = across + span
    whole = place.astype(np.intp)
    share = place - whole
    drawn = lines[whole] * (1 - share) + lines[whole + 1] * share
    strength = np.clip(1 + 0.5 * smooth_noise((shape[0], shape[1]), 40, generator), 0, None)
    result: NDArray[np.float32] = (marks.polishing * strength * drawn).astype(np.float32)
    return result


def _pits(shape: tuple[int, ...], marks: Marks, count: int, generator: np.random.Generator) -> Field:
    points = np.zeros(shape, np.float32)
    row, col = generator.integers(0, shape[0], count), generator.integers(0, shape[1], count)
    np.add.at(points, (row, col), generator.uniform(0.3, 1.0, count).astype(np.float32))
    peak = 2 * math.pi * marks.pit_size**2  # a blurred point of height 1 is that much lower
    return np.float32(marks.pit_contrast * peak) * blurred(points, marks.pit_size)
