"""Augment crops by differences between pictures of the same surface: turn, mirror, light, focus and noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.segments.blur import slightly_blurred
from fedbragg.tasks.segments.symmetry import Symmetry

CONTRAST, BRIGHTNESS = 0.25, 0.2
"""Standard deviations of the logarithm of the contrast, and of the brightness in half ranges."""
NOISE = 0.08
"""Largest standard deviation of the noise, in half ranges."""


Crop = tuple[NDArray[np.float32], NDArray[np.uint8]]
"""A square part of a scaled picture (3, rows, cols), and its labels (rows, cols)."""


def augmented(crop: Crop, symmetry: Symmetry, generator: np.random.Generator) -> Crop:
    """Turn and mirror a crop at random, as its picture's symmetry allows, and change its light."""
    picture, labels = _turned(crop, symmetry, generator)
    gain = np.float32(np.exp(generator.normal(0, CONTRAST)))
    lit = picture * gain + np.float32(generator.normal(0, BRIGHTNESS))
    if generator.random() < 0.3:
        lit = slightly_blurred(lit)
    lit = lit + np.float32(generator.uniform(0, NOISE)) * generator.standard_normal(
        lit.shape[1:], dtype=np.float32
    )
    return np.ascontiguousarray(lit, np.float32), np.ascontiguousarray(labels)


def _turned(crop: Crop, symmetry: Symmetry, generator: np.random.Generator) -> Crop:
    picture, labels = crop
    quarters, mirrored = int(generator.integers(4)), generator.random() < 0.5
    if symmetry is Symmetry.ALL:
        picture, labels = np.rot90(picture, quarters, (1, 2)), np.rot90(labels, quarters)
    if mirrored and symmetry is Symmetry.UP_DOWN:
        return picture[:, ::-1], labels[::-1]
    return (picture[:, :, ::-1], labels[:, ::-1]) if mirrored else (picture, labels)
