"""From the sites' steps to one model: the rule of the settings applied to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.fedboost import MIXTURE, mirror_step
from fedbragg.federation.rules.robust import krum_weights, median, trimmed_mean
from fedbragg.federation.rules.weights import Profile, Weights, weigh
from fedbragg.state_arithmetic import apply_steps
from fedbragg.types import State


def share_out(steps: Sequence[State], profiles: Sequence[Profile], rules: FederationSettings) -> Weights:
    """Return each site's weight; only Krum has to look at the steps for it."""
    if rules.aggregation == "krum":
        return krum_weights(steps, hostile(len(steps), rules))
    return weigh(profiles, rules)


def combine(
    start: State, steps: Sequence[State], weights: Sequence[float], rules: FederationSettings
) -> dict[str, NDArray[Any]]:
    """Return the model that ``steps``, differences to ``start``, make together."""
    match rules.aggregation:
        case "median":
            return median(start, steps)
        case "trimmed_mean":
            return trimmed_mean(start, steps, hostile(len(steps), rules))
        case "fedboost":
            ascent = np.tensordot(np.asarray(weights), np.stack([step[MIXTURE] for step in steps]), axes=1)
            return mirror_step(start, ascent, rules.boost_rate)
        case _:
            return apply_steps(start, steps, weights)


def hostile(sites: int, rules: FederationSettings) -> int:
    """Return how many of the sites the robust rules hold out against: at most what leaves a majority."""
    return min(int(np.ceil(rules.hostile_share * sites - 1e-9)), (sites - 1) // 2)
