"""Augment crops by differences between pictures of the same surface: turn, mirror, magnify, light, focus and noise."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fedbragg.tasks.segments.blur import slightly_blurred
from fedbragg.tasks.segments.symmetry import Symmetry

MOVED = 0.5
"""Share of the crops that are seen in another magnification and slightly tilted."""
MAGNIFIED, FARTHEST = 0.15, 0.35
"""Standard deviation, and largest size, of the magnification's logarithm."""
TILTED = math.radians(4)
"""Standard deviation of the tilt: how straight a specimen is mounted."""
CONTRAST, BRIGHTNESS = 0.25, 0.2
"""Standard deviations of the logarithm of the contrast, and of the brightness in half ranges."""
NOISE = 0.08
"""Largest standard deviation of the noise, in half ranges."""


Crop = tuple[NDArray[np.float32], NDArray[np.uint8]]
"""A square part of a scaled picture (3, rows, cols), and its labels (rows, cols)."""


def augmented(crop: Crop, symmetry: Symmetry, generator: np.random.Generator) -> Crop:
    """Turn and mirror a crop at random, as its picture's symmetry allows; change its magnification and its light."""
    turned = _turned(crop, symmetry, generator)
    picture, labels = _moved(turned, generator) if generator.random() < MOVED else turned
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


def _moved(crop: Crop, generator: np.random.Generator) -> Crop:
    """Magnify or reduce a crop about its middle and tilt it; what lies outside is its mirror image."""
    steps = float(np.clip(generator.normal(0, MAGNIFIED), -FARTHEST, FARTHEST))
    angle, reach = float(generator.normal(0, TILTED)), math.exp(-steps)
    cosine, sine = reach * math.cos(angle), reach * math.sin(angle)
    picture, labels = (torch.from_numpy(np.ascontiguousarray(part)) for part in crop)
    grid = functional.affine_grid(
        torch.tensor([[[cosine, -sine, 0.0], [sine, cosine, 0.0]]]),
        [1, 1, *labels.shape],
        align_corners=False,
    )

    def seen(part: Tensor, mode: str) -> NDArray[np.float32]:
        moved = functional.grid_sample(part[None], grid, mode, "reflection", align_corners=False)
        shown: NDArray[np.float32] = moved[0].numpy()
        return shown

    return seen(picture, "bilinear"), seen(labels[None].float(), "nearest")[0].astype(np.uint8)
