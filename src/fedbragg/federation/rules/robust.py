"""Rules that hold out against a minority of broken or hostile sites: median, trimmed mean, multi-Krum.

Coordinate-wise median and trimmed mean: Yin et al. 2018. Multi-Krum: Blanchard et al. 2017. All treat
sites as equals, since a claimed number of frames is just what a hostile site would inflate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.federation.rules.weights import Weights
from fedbragg.state_arithmetic import blocks, cast_back, working_type
from fedbragg.types import State

NETWORK_LIMIT = 16
"""Sites up to which exchanging rows in place beats numpy's sort along the first axis."""


def trimmed_mean(start: State, steps: Sequence[State], cut: int) -> dict[str, NDArray[Any]]:
    """Move by the mean of what is left of each number after its ``cut`` smallest and largest are dropped."""
    return {
        name: _trimmed(name, tensor, [step[name] for step in steps if name in step], cut)
        for name, tensor in start.items()
    }


def median(start: State, steps: Sequence[State]) -> dict[str, NDArray[Any]]:
    """Move by the median of each number: the trimmed mean that drops all but the middle one or two."""
    return {
        name: _trimmed(name, tensor, held, (len(held) - 1) // 2)
        for name, tensor in start.items()
        for held in [[step[name] for step in steps if name in step]]
    }


def krum_weights(steps: Sequence[State], hostile: int) -> Weights:
    """Weigh equally the sites that multi-Krum keeps: all but ``hostile``, those closest to their neighbours.

    A site's score is the sum of squared distances to its N - hostile - 2 nearest others; low is good.
    """
    count = len(steps)
    neighbours = max(1, count - hostile - 2)
    if count < 3:  # nobody can be told apart
        return np.full(count, 1 / count)
    nearest = np.sort(squared_distances(steps), axis=1)[:, 1 : neighbours + 1]
    kept = np.argsort(nearest.sum(axis=1), kind="stable")[: count - hostile]
    weights = np.zeros(count)
    weights[kept] = 1 / len(kept)
    return weights


def squared_distances(steps: Sequence[State]) -> NDArray[np.float64]:
    """Return (sites, sites) squared distances over all floating tensors."""
    count = len(steps)
    total = np.zeros((count, count))
    for name, first in steps[0].items():
        if not np.issubdtype(first.dtype, np.floating):
            continue
        flats = [step[name].reshape(-1) for step in steps]
        for piece in blocks(first.size):
            for i in range(count):
                for j in range(i):
                    gap = flats[i][piece] - flats[j][piece]
                    total[i, j] += float(np.vdot(gap, gap))
    return total + total.T


def _trimmed(name: str, start: NDArray[Any], held: Sequence[NDArray[Any]], cut: int) -> NDArray[Any]:
    if not held:
        return start
    working = working_type(start.dtype)
    flat, out = start.reshape(-1), np.empty(start.size, dtype=start.dtype)
    flats = [step.reshape(-1) for step in held]
    for piece in blocks(start.size):
        rows = sorted_rows(np.stack([step[piece] for step in flats]).astype(working, copy=False))
        middle = rows[cut : len(held) - cut].mean(axis=0)
        out[piece] = cast_back(name, flat[piece].astype(working) + middle, start.dtype)
    return out.reshape(start.shape)


def sorted_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """Sort each column of (sites, numbers), in place."""
    if len(rows) > NETWORK_LIMIT:
        rows.sort(axis=0)
        return rows
    smaller = np.empty_like(rows[0])
    for last in range(len(rows) - 1, 0, -1):
        for i in range(last):
            np.minimum(rows[i], rows[i + 1], out=smaller)
            np.maximum(rows[i], rows[i + 1], out=rows[i + 1])
            rows[i] = smaller
    return rows
