"""Prepare a picture of any depth for the network: three colours, scaled by the picture's own percentiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = 1.0, 99.0
"""Percentiles of the grey levels that become -1 and 1: a few outliers must not darken the rest."""
CLIPPED = 2.0
"""Largest value that the network reads, either way."""
SAMPLED = 1 << 20
"""pixel, about as many as decide the percentiles of a larger picture."""

Scaled = NDArray[np.float32]
"""(3, rows, cols) red, green, blue; -1 at the LOWEST percentile of the grey levels, 1 at the HIGHEST."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """How a picture's grey levels are scaled: the same for all its parts and colours."""

    middle: float  # in the picture's own units, becomes 0
    half: float  # in the picture's own units, becomes 1


def scaling_of(picture: NDArray[Any]) -> Scaling:
    """Measure a picture's (rows, cols) or (rows, cols, 3) percentiles."""
    step = max(1, int((picture.shape[0] * picture.shape[1] / SAMPLED) ** 0.5))
    sample = picture[::step, ::step].astype(np.float32)
    grey = sample.mean(axis=2) if sample.ndim == 3 else sample
    low, high = np.percentile(grey, [LOWEST, HIGHEST])
    return Scaling(float(low + high) / 2, max(float(high - low) / 2, 1e-6))


def scaled(part: NDArray[Any], scaling: Scaling) -> Scaled:
    """Scale a part of a picture, (rows, cols) or (rows, cols, 3)."""
    planes = part[None] if part.ndim == 2 else np.moveaxis(part, -1, 0)
    values = (planes.astype(np.float32) - np.float32(scaling.middle)) * np.float32(1 / scaling.half)
    np.clip(values, -CLIPPED, CLIPPED, out=values)
    return np.ascontiguousarray(np.broadcast_to(values, (3, *values.shape[1:])))


def prepare(picture: NDArray[Any]) -> Scaled:
    """Scale a whole picture by its own percentiles."""
    return scaled(picture, scaling_of(picture))
