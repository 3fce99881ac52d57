"""Draw the sites that train for the next barrier, each with a known probability by which weights are corrected.

A step weighted by w_i / chance_i has the expectation sum w_i step_i, for any chances (Horvitz and
Thompson 1952). So selecting by size or balance makes a round cheaper and leaves its expectation unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.label_balance import by_balance, fedkl
from fedbragg.federation.rules.rule import Weigh
from fedbragg.federation.rules.weights import Profile, Weights, by_size, uniform

SAMPLING_WEIGHTS: Mapping[str, Weigh] = {
    "uniform": uniform,
    "size": by_size,
    "balance": by_balance,
    "fedkl": fedkl,
}
"""Ways to select sites, by the value of ``[federation] selection``."""

UNIFORM_SHARE = 0.1
"""Share of the draw that is the same for all sites, so that no probability is zero."""


def sampling_weights(profiles: Sequence[Profile], settings: FederationSettings) -> Weights:
    """Return in what proportion the sites are drawn."""
    weights = SAMPLING_WEIGHTS[settings.selection](profiles, settings)
    return (1 - UNIFORM_SHARE) * weights + UNIFORM_SHARE / len(profiles)


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
    """Draw each site with exactly its probability, and always as many as the probabilities sum to.

    Systematic sampling: the sites are laid in random order as intervals on a line, each as long as its
    probability. A comb of unit spacing with a random offset picks the intervals that it hits.
    """
    order = generator.permutation(len(probabilities))
    ends = np.cumsum(probabilities[order])
    comb = generator.random() + np.arange(round(float(ends[-1])))
    drawn = np.zeros(len(probabilities), dtype=bool)
    drawn[order[np.minimum(np.searchsorted(ends, comb, side="right"), len(order) - 1)]] = True
    return drawn
