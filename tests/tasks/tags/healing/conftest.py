"""Images whose counts are known everywhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from fedbragg.tasks.tags.healing.healed import GappedImage

Light = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def drawn(light: Light, shape: tuple[int, int], beam: tuple[float, float]) -> NDArray[np.float32]:
    """Return (rows, cols) the light at each pixel's radius (pixel) and azimuth (radian)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    right, down = x - beam[0], y - beam[1]
    return light(np.hypot(right, down), np.arctan2(down, right)).astype(np.float32)


def without(counts: NDArray[np.float32], gap: NDArray[np.bool_]) -> GappedImage:
    return GappedImage(np.where(gap, np.float32(0), counts), ~gap)


def bars(shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (rows, cols) two horizontal bars and one vertical."""
    gap = np.zeros(shape, np.bool_)
    gap[shape[0] // 4 : shape[0] // 4 + 6] = True
    gap[3 * shape[0] // 5 : 3 * shape[0] // 5 + 6] = True
    gap[:, shape[1] // 3 : shape[1] // 3 + 4] = True
    return gap


@pytest.fixture
def rings() -> tuple[NDArray[np.float32], tuple[float, float]]:
    """A smooth decay and a ring of 40 pixels about (61.3, 55.8), bright enough for counting noise not to matter."""
    beam = (61.3, 55.8)
    counts = drawn(
        lambda r, _: 1000 * np.exp(-r / 25) + 300 * np.exp(-0.5 * ((r - 40) / 2) ** 2), (120, 110), beam
    )
    return counts, beam
