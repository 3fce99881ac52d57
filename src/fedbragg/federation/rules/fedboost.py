"""FedBoost: learn, over all sites, how to mix fixed predictors that were trained before (Hamer et al. 2020).

The model is one short tensor, the mixture. A site answers with the gradient of its log loss; the server
takes a step of mirror descent on the simplex. In each round a site evaluates only some of the predictors,
each drawn with its own probability. The gradient is divided by that probability, so it is unbiased.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import FederationSettings
from fedbragg.types import State

MIXTURE = "mixture"
"""The name of the only tensor: (predictors,) weights that sum to one."""

FLOOR = 1e-12
"""Smallest probability whose logarithm is taken."""


def draw_predictors(chances: Sequence[float], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Draw each predictor with its probability; if none is drawn, take the likeliest one."""
    chosen = generator.random(len(chances)) < np.asarray(chances)
    if not chosen.any():
        chosen[int(np.argmax(chances))] = True
    return chosen


def loss_gradient(
    likelihoods: NDArray[np.float64], mixture: NDArray[np.float64], chances: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the mixture's mean log loss and its gradient.

    ``likelihoods`` is (predictors, frames): the probability that each predictor gives to the true label, all
    0 for a predictor that was not drawn. ``chances`` is (predictors,): the probability of being drawn.
    """
    scaled = likelihoods / chances[:, None]  # unbiased: a predictor counts 1 / chance times when drawn
    mixed = np.maximum(mixture @ scaled, FLOOR)
    return float(-np.log(mixed).mean()), -(scaled / mixed).mean(axis=1)


def mirror_descent(
    start: State, steps: Sequence[State], weights: Sequence[float], settings: FederationSettings
) -> dict[str, NDArray[Any]]:
    """Move the mixture along the weighted mean of the sites' steps."""
    ascent = np.tensordot(np.asarray(weights), np.stack([step[MIXTURE] for step in steps]), axes=1)
    return mirror_step(start, ascent, settings.boost_rate)


def mirror_step(model: State, ascent: NDArray[np.float64], rate: float) -> dict[str, NDArray[np.float64]]:
    """Move the mixture by exponentiated gradient: normalising it is the Bregman projection onto the simplex."""
    mixture = np.asarray(model[MIXTURE], dtype=np.float64)
    logarithm = np.log(np.maximum(mixture, FLOOR)) + rate * ascent
    mixture = np.exp(logarithm - logarithm.max())
    return {MIXTURE: mixture / mixture.sum()}
