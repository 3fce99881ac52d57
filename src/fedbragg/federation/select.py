"""Which sites train for the next barrier, and how likely each was to: weights are corrected by it.

A step weighted by w_i / chance_i has the expectation sum w_i step_i, whatever the chances (Horvitz and
Thompson 1952), so selecting by size or balance makes rounds cheaper without moving what they aim at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fedbragg.federation.rules.weights import Profile, Weights, by_balance, by_size, fedkl, uniform

LIKINGS = {"uniform": uniform, "size": by_size, "balance": by_balance, "fedkl": fedkl}

EVERYBODY = 0.1
"""Share of the draw that goes to all sites alike, so that nobody's chance is zero."""


def liking(profiles: Sequence[Profile], selection: str) -> Weights:
    """Return in what proportion the sites are to be drawn."""
    return (1 - EVERYBODY) * LIKINGS[selection](profiles) + EVERYBODY / len(profiles)


def chances(proportions: Weights, cohort: int) -> NDArray[np.float64]:
    """Return each site's probability of being among ``cohort``: proportional, but never over one."""
    if cohort >= len(proportions):
        return np.ones(len(proportions))
    result = np.zeros(len(proportions))
    certain = np.zeros(len(proportions), dtype=bool)
    while True:
        rest = proportions[~certain]
        result[~certain] = (cohort - certain.sum()) * rest / rest.sum()
        over = ~certain & (result >= 1)
        if not over.any():
            return result
        certain |= over
        result[certain] = 1


def draw(probabilities: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Draw sites so that each is in with exactly its probability, and their number is the sum of these.

    Systematic sampling: the sites lie in random order as stretches on a line, and a comb of unit spacing
    is laid over it at random.
    """
    order = generator.permutation(len(probabilities))
    ends = np.cumsum(probabilities[order])
    comb = generator.random() + np.arange(round(float(ends[-1])))
    drawn = np.zeros(len(probabilities), dtype=bool)
    drawn[order[np.minimum(np.searchsorted(ends, comb, side="right"), len(order) - 1)]] = True
    return drawn
