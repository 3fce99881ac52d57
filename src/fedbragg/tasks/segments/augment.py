"""What may differ between two pictures of the same surface: turn, mirror, light, focus and noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.tasks.segments.blur import slightly_blurred

CONTRAST, BRIGHTNESS = 0.25, 0.2
"""Standard deviations of the logarithm of the contrast, and of the brightness in half ranges."""
NOISE = 0.08
"""Largest standard deviation of the noise, in half ranges."""


def augmented(
    picture: NDArray[np.float32], labels: NDArray[np.uint8], generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Turn, mirror and light a square crop (3, rows, cols) at random, its labels (rows, cols) with it."""
    quarters = int(generator.integers(4))
    picture, labels = np.rot90(picture, quarters, (1, 2)), np.rot90(labels, quarters)
    if generator.random() < 0.5:
        picture, labels = picture[:, :, ::-1], labels[:, ::-1]
    gain = np.float32(np.exp(generator.normal(0, CONTRAST)))
    lit = picture * gain + np.float32(generator.normal(0, BRIGHTNESS))
    if generator.random() < 0.3:
        lit = slightly_blurred(lit)
    lit = lit + np.float32(generator.uniform(0, NOISE)) * generator.standard_normal(
        lit.shape[1:], dtype=np.float32
    )
    return np.ascontiguousarray(lit, np.float32), np.ascontiguousarray(labels)
