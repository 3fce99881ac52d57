"""Grain growth by a Monte-Carlo Potts model in two dimensions (Anderson, Srolovitz, Grest and Sahni 1984).

Every pixel starts as a grain of its own, so no two grains ever merge because they share a state by chance. A pixel
costs one unit of energy for each of its eight neighbours in another grain, which keeps the square lattice from
pinning the boundaries (Holm, Glazier, Srolovitz and Grest 1991).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.simulation.random_streams import STEP, random_stream, uniform

TEMPERATURE = 0.5
"""Units of energy: enough to round the facets that the lattice prefers, too little to open new grains."""
SETTLING = 4
"""Sweeps at zero temperature at the end, which take the roughness from the boundaries."""
COARSE = 10.0
"""Sites, the least mean diameter at which grains leave a coarser lattice."""
REFINED = 0.95
"""Share of the diameter that is reached before a lattice is refined."""
OVERSHOOT = 0.03
"""Largest share of the time by which growth may pass the wanted size."""


@dataclass(frozen=True, slots=True)
class GrainGrowth:
    """The grains to grow."""

    shape: tuple[int, int]  # pixel (rows, cols); the structure is periodic in both
    diameter: float  # pixel, of the circle with the mean grain's area


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """A grain structure, and the sweeps it took to grow."""

    grains: NDArray[np.int32]  # (rows, cols) from 0, without gaps in the numbers
    sweeps: int  # Monte-Carlo steps on the finest lattice: attempted changes for each pixel


def grow_grains(growth: GrainGrowth, generator: np.random.Generator) -> Grown:
    """Grow grains until their mean area is reached.

    Growth looks the same on every scale (Mullins 1986), so most of it takes place on a coarser lattice; each halving
    of the lattice is followed by growth on the finer one, which gives the boundaries its roughness.
    """
    rows, cols = growth.shape
    scale = _coarsest(growth)
    state = np.arange(rows * cols // scale**2, dtype=np.int32).reshape(rows // scale, cols // scale)
    position, sweeps = random_stream(generator), 0
    while True:
        share = (1 if scale == 1 else REFINED) * growth.diameter / scale
        wanted = state.size / max(math.pi / 4 * share**2, 1.0)
        while _number_of_grains(state) > wanted:
            more = max(1, int(OVERSHOOT * sweeps))
            position = np.uint64(_sweep(state, more, TEMPERATURE, position))
            sweeps += more
        if scale == 1:
            _sweep(state, SETTLING, 0.0, position)
            return Grown(_numbered(state), sweeps)
        scale //= 2
        state = np.repeat(np.repeat(state, 2, axis=0), 2, axis=1)
        sweeps = 0


def _coarsest(growth: GrainGrowth) -> int:
    """Return the pixels along the edge of the coarsest lattice's site, a power of two that fits the shape."""
    scale = 1
    while growth.diameter / (2 * scale) >= COARSE and all(
        length % (2 * scale) == 0 for length in growth.shape
    ):
        scale *= 2
    return scale


def _number_of_grains(state: NDArray[np.int32]) -> int:
    return int(np.count_nonzero(np.bincount(state.ravel())))


def mean_area(grains: NDArray[np.int32]) -> float:
    """Return the mean area of grains (rows, cols) in pixels."""
    return grains.size / _number_of_grains(grains)


def _numbered(state: NDArray[np.int32]) -> NDArray[np.int32]:
    _, numbers = np.unique(state, return_inverse=True)
    return numbers.reshape(state.shape).astype(np.int32)


@njit(nogil=True, cache=True)
def _sweep(state, sweeps, temperature, position):  # type: ignore[no-untyped-def]
    """Attempt ``sweeps`` changes for each pixel: to the grain of a neighbour, by the Metropolis rule."""
    rows, cols = state.shape
    around = np.empty(8, state.dtype)
    for _ in range(sweeps * rows * cols):
        position += STEP
        drawn = uniform(position) * (rows * cols)
        place = int(drawn)
        row, col = place // cols, place % cols
        up, down = row - 1 if row > 0 else rows - 1, row + 1 if row < rows - 1 else 0
        left, right = col - 1 if col > 0 else cols - 1, col + 1 if col < cols - 1 else 0
        old = state[row, col]
        if (
            state[row, left] == old
            and state[row, right] == old
            and state[up, left] == old
            and state[up, col] == old
            and state[up, right] == old
            and state[down, left] == old
            and state[down, col] == old
            and state[down, right] == old
        ):
            continue
        around[0], around[1], around[2] = state[up, left], state[up, col], state[up, right]
        around[3], around[4] = state[row, left], state[row, right]
        around[5], around[6], around[7] = state[down, left], state[down, col], state[down, right]
        new = around[int((drawn - place) * 8)]  # the digits after the point, of which 34 bits are left
        if new == old:
            continue
        same = gained = 0
        for neighbour in around:
            same += neighbour == old
            gained += neighbour == new
        cost = same - gained
        if cost > 0:
            if temperature == 0.0:
                continue
            position += STEP
            if uniform(position) >= math.exp(-cost / temperature):
                continue
        state[row, col] = new
    return position
