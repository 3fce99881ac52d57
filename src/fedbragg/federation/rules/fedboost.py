"""FedBoost: learn, over all sites, how to mix fixed predictors that were trained before (Hamer et al. 2020).

The model that travels is one short tensor, the mixture. A site answers with the gradient of its log loss;
the server descends by mirror on the simplex. In each round a site evaluates only some of the predictors,
each drawn with its own chance, and the gradient is corrected so that its expectation is the full one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import State

MIXTURE = "mixture"
"""The name of the only tensor: (predictors,) weights that sum to one."""

FLOOR = 1e-12
"""Smallest probability whose logarithm is taken."""


def drawn(chances: Sequence[float], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Draw each predictor with its chance; if none comes up, the likeliest one is taken."""
    chosen = generator.random(len(chances)) < np.asarray(chances)
    if not chosen.any():
        chosen[int(np.argmax(chances))] = True
    return chosen


def loss_gradient(
    likelihoods: NDArray[np.float64], mixture: NDArray[np.float64], chances: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the mixture's mean log loss and its gradient.

    ``likelihoods`` is (predictors, frames): the probability that each predictor gives to the true label, 0
    throughout for one that was not drawn; ``chances`` are those of being drawn.
    """
    scaled = likelihoods / chances[:, None]  # unbiased: a predictor counts 1 / chance times when drawn
    mixed = np.maximum(mixture @ scaled, FLOOR)
    return float(-np.log(mixed).mean()), -(scaled / mixed).mean(axis=1)


def mirror_step(model: State, ascent: NDArray[np.float64], rate: float) -> dict[str, NDArray[np.float64]]:
    """Move the mixture by exponentiated gradient, which is its own Bregman projection onto the simplex."""
    mixture = np.asarray(model[MIXTURE], dtype=np.float64)
    logarithm = np.log(np.maximum(mixture, FLOOR)) + rate * ascent
    mixture = np.exp(logarithm - logarithm.max())
    return {MIXTURE: mixture / mixture.sum()}
