"""Search the sites' weights that make the best model: the ceiling of every rule that only re-weights updates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
"""(sites,) not negative, their sum is one."""
PARTS = 3
"""The grid holds all weights that are whole multiples of one third: 35 of them for five sites."""
MOVES = (0.15, 0.05)
"""Weight moved from one site to another in the search around the best of the grid, coarse and then fine."""


def best_convex(loss: Callable[[Weights], float], sites: int, named: Sequence[Weights] = ()) -> Weights:
    """Return the weights of lowest loss among a grid, the named ones, and those that moves from the best reach.

    A move takes weight from one site to another; the best move is made until none lowers the loss. Where the loss is
    not a number a weight is never the best.
    """
    candidates = [*grid(sites), *named]
    losses = [_known(loss(weights)) for weights in candidates]
    best, lowest = candidates[int(np.argmin(losses))], min(losses)
    for size in MOVES:
        while True:
            moved = list(moves(best, size))
            losses = [_known(loss(weights)) for weights in moved]
            if not moved or min(losses) >= lowest:
                break
            best, lowest = moved[int(np.argmin(losses))], min(losses)
    return best


def grid(sites: int, parts: int = PARTS) -> Iterator[Weights]:
    """Yield every way to give ``parts`` equal parts to the sites."""
    for bars in combinations(range(parts + sites - 1), sites - 1):
        edges = np.array([-1, *bars, parts + sites - 1])
        yield (np.diff(edges) - 1) / parts


def moves(weights: Weights, size: float) -> Iterator[Weights]:
    """Yield the weights after taking ``size``, or all there is, from one site and giving it to another."""
    for giver in np.flatnonzero(weights > 0):
        for taker in range(len(weights)):
            if taker != giver:
                moved = weights.copy()
                moved[taker] += min(size, weights[giver])
                moved[giver] -= min(size, weights[giver])
                yield moved


def _known(loss: float) -> float:
    return loss if np.isfinite(loss) else np.inf
