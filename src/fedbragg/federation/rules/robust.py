"""Rules that tolerate a minority of broken or hostile sites: median, trimmed mean, multi-Krum.

Coordinate-wise median and trimmed mean: Yin et al. 2018. Multi-Krum: Blanchard et al. 2017. All treat
sites as equals, because a hostile site can claim any number of frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.weights import Profile, Weights
from fedbragg.state_arithmetic import blocks, cast_back, working_type
from fedbragg.types import State

MOST_EXCHANGED = 16
"""Sites up to which exchanging whole rows is faster than numpy's sort along the first axis."""


def tolerated(sites: int, settings: FederationSettings) -> int:
    """Return how many hostile sites the rules tolerate: ``hostile_share``, at most a minority."""
    return min(int(np.ceil(settings.hostile_share * sites - 1e-9)), (sites - 1) // 2)


def trimmed_mean(
    start: State, steps: Sequence[State], weights: Sequence[float], settings: FederationSettings
) -> dict[str, NDArray[Any]]:
    """Move each number by the mean of the steps that remain after dropping the smallest and the largest."""
    return {
        name: _trimmed(name, tensor, held, tolerated(len(held), settings))
        for name, tensor in start.items()
        for held in [[step[name] for step in steps if name in step]]
    }


def median(
    start: State, steps: Sequence[State], weights: Sequence[float], settings: FederationSettings
) -> dict[str, NDArray[Any]]:
    """Move each number by the median step: the trimmed mean that keeps the middle one or two."""
    return {
        name: _trimmed(name, tensor, held, (len(held) - 1) // 2)
        for name, tensor in start.items()
        for held in [[step[name] for step in steps if name in step]]
    }


def krum(
    start: State, steps: Sequence[State], profiles: Sequence[Profile], settings: FederationSettings
) -> Weights:
    """Weigh by the steps alone, see ``krum_weights``."""
    return krum_weights(steps, settings)


def krum_weights(steps: Sequence[State], settings: FederationSettings) -> Weights:
    """Weigh equally the sites that multi-Krum keeps: those closest to their neighbours.

    With N sites and f tolerated ones, a site's score is the sum of squared distances to its N - f - 2
    nearest others. The N - f sites with the lowest scores are kept.
    """
    count, hostile = len(steps), tolerated(len(steps), settings)
    neighbours = max(1, count - hostile - 2)
    if count < 3:  # two sites are equally far from each other
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
                    total[i, j] += float(np.einsum("i,i->", gap, gap, dtype=np.float64))
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
    """Sort each column of (sites, numbers), in place.

    numpy sorts along the first axis column by column, which is slow for few rows. Exchanging whole rows takes
    33 us where np.sort takes 1,460 us and np.partition 1,320 us (3 sites, 32,768 float32 numbers, one core);
    104, 1,480 and 1,320 us for 5 sites; 380, 1,600 and 1,480 us for 9; 1,320, 3,030 and 6,730 us for 16.
    """
    if len(rows) > MOST_EXCHANGED:
        rows.sort(axis=0)
        return rows
    smaller = np.empty_like(rows[0])
    for last in range(len(rows) - 1, 0, -1):
        for i in range(last):
            np.minimum(rows[i], rows[i + 1], out=smaller)
            np.maximum(rows[i], rows[i + 1], out=rows[i + 1])
            rows[i] = smaller
    return rows
