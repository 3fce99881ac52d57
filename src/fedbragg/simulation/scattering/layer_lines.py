"""Layer lines: the scattering of a structure that repeats along one axis only (Cochran, Crick and Vand 1952)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LayerLines:
    """Lines across a fibre's axis, at multiples of its period's momentum transfer."""

    axis: float  # radian from the column axis, of the meridian
    spacing: float  # pixel, between lines
    width: float  # pixel, standard deviation along the axis
    reach: float  # pixel, over which a line falls off along itself
    heights: tuple[
        float, ...
    ]  # photons a pixel on the meridian, relative, of lines 0 (the equator), 1, 2 ...


def add_layer_lines(
    lines: LayerLines, x: NDArray[np.float32], y: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Add lines to the light (rows, cols) at offsets (rows, cols) from the beam in pixels."""
    shape = (np.cos(lines.axis), np.sin(lines.axis), lines.spacing, lines.width, lines.reach)
    _add(x, y, shape, np.array(lines.heights), out)


@njit(nogil=True, cache=True)
def _add(x, y, shape, heights, out):  # type: ignore[no-untyped-def]
    cosine, sine, spacing, width, reach = shape
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            along = x[row, col] * cosine + y[row, col] * sine
            order = round(abs(along) / spacing)
            if order >= heights.size:
                continue
            off = (abs(along) - order * spacing) / width
            if abs(off) < 5.0 and heights[order] > 0.0:
                across = y[row, col] * cosine - x[row, col] * sine
                out[row, col] += heights[order] * np.exp(-0.5 * off * off) / (1.0 + (across / reach) ** 2)
