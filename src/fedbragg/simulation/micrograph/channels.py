"""Precipitates so dense that only channels of the matrix part them, as the gamma prime of nickel superalloys.

Slow cooling leaves two sizes: large ones, which share the area out and partly grow together, and small ones that form
later in the matrix that is left (Singh et al. 2011, Acta Mater. 59, 6208).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.micrograph.fields import smooth_noise
from fedbragg.simulation.micrograph.potts import GrainGrowth, grow_grains

WAVER = 0.4
"""Standard deviation of a channel's width, in its mean width."""
CLEAR = 2.5
"""pixel of matrix around a particle that lies in a channel."""


@dataclass(frozen=True, slots=True)
class Packing:
    """How precipitates divide an area."""

    diameter: float  # pixel, of the cells that precipitates fill
    channel: float  # pixel, mean width of the matrix between two
    rounding: float  # pixel, radius of a precipitate's corners
    grown_together: float  # share of the cells that belong to a neighbour's precipitate
    missing: float  # share of the precipitates that are left out


def pack_precipitates(
    packing: Packing, shape: tuple[int, int], generator: np.random.Generator
) -> NDArray[np.int32]:
    """Return (rows, cols): 0 in the matrix, else the number of the precipitate from 1; edges wrap around."""
    cells = grow_grains(GrainGrowth(shape, packing.diameter), generator).grains
    cells = _grown_together(cells, packing.grown_together, generator)
    filled = generator.random(int(cells.max()) + 1) >= packing.missing
    wavering = np.clip(1 + WAVER * smooth_noise(shape, packing.diameter / 3, generator), 0, None)
    walls = distance_to(_edges(cells) | ~filled[cells])
    core = walls > packing.channel / 2 * wavering + packing.rounding
    inside = (distance_to(core) <= packing.rounding) & filled[cells]
    return np.where(inside, cells + 1, 0).astype(np.int32)


def in_channels(particles: NDArray[np.int32], precipitates: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return precipitates, and those particles that lie in the matrix between them as a whole; (rows, cols) numbers."""
    near = distance_to(precipitates > 0) <= CLEAR
    kept = np.ones(int(particles.max()) + 1, bool)
    kept[particles[near]] = False
    kept[0] = False
    return np.where(kept[particles], particles + precipitates.max(), precipitates).astype(np.int32)


def distance_to(there: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the distance of every pixel (rows, cols) to the nearest True, in pixels; edges wrap around."""
    from scipy.ndimage import distance_transform_edt

    if not there.any():
        return np.full(there.shape, np.inf, np.float32)
    rows, cols = there.shape
    more = (rows // 2, cols // 2)  # no pixel is farther from its nearest than that, along an axis
    wide = np.pad(~there, [(m, m) for m in more], mode="wrap")
    distance = distance_transform_edt(wide)[more[0] : more[0] + rows, more[1] : more[1] + cols]
    return np.asarray(distance, np.float32)


def _edges(cells: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return the pixels (rows, cols) whose next one belongs to another cell."""
    edges: NDArray[np.bool_] = (cells != np.roll(cells, -1, 0)) | (cells != np.roll(cells, -1, 1))
    return edges


def _grown_together(
    cells: NDArray[np.int32], share: float, generator: np.random.Generator
) -> NDArray[np.int32]:
    """Let a share of the cells join a cell beside them."""
    joined = np.arange(int(cells.max()) + 1)
    below = np.roll(cells, -1, 0)
    row, col = np.nonzero(cells != below)
    order = generator.permutation(len(row))
    beside = dict(zip(cells[row, col][order].tolist(), below[row, col][order].tolist(), strict=True))
    for cell in np.flatnonzero(generator.random(len(joined)) < share).tolist():
        if cell in beside:
            joined[joined == joined[cell]] = joined[beside[cell]]
    numbers: NDArray[np.int32] = np.unique(joined, return_inverse=True)[1][cells].astype(np.int32)
    return numbers
