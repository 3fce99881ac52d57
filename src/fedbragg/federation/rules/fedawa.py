"""FedAWA: weights that bring the sites' steps close to their own mean (Shi et al., CVPR 2025, arXiv 2503.15842)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.robust import squared_distances
from fedbragg.federation.rules.weights import Profile, Weights, by_size
from fedbragg.state_arithmetic import blocks, is_weight
from fedbragg.types import State

BETA1, BETA2, EPSILON = 0.5, 0.999, 1e-8
"""Adam's constants, as in the authors' code."""
SHORTEST = 1e-12
"""Smaller distances are raised to this, so that the inverse stays finite."""


def fedawa(
    start: State, steps: Sequence[State], profiles: Sequence[Profile], settings: FederationSettings
) -> Weights:
    """Weigh by ``fedawa_steps`` steps of Adam on FedAWA's loss, from FedAvg's weights on.

    Few small steps are part of the method: the loss is lowest where one site has all the weight.
    """
    products, tilt = inner_products(steps), tilts(start, steps)
    logits = np.log(np.maximum(by_size(profiles, settings), SHORTEST))
    mean, square = np.zeros(len(steps)), np.zeros(len(steps))
    for number in range(1, settings.fedawa_steps + 1):
        _, slope = loss_and_gradient(logits, products, tilt)
        mean, square = BETA1 * mean + (1 - BETA1) * slope, BETA2 * square + (1 - BETA2) * slope**2
        scaled = mean / (1 - BETA1**number) / (np.sqrt(square / (1 - BETA2**number)) + EPSILON)
        logits = logits - settings.fedawa_rate * scaled
    return softmax(logits)


def loss_and_gradient(
    logits: NDArray[np.float64], products: NDArray[np.float64], tilt: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return sum_k w_k (||t_k - t|| + d_k) and its gradient by the logits (equation 3).

    w = softmax(logits) weighs the sites' steps t_k to t = sum w_k t_k. ``products`` (sites, sites) are the inner
    products of the steps, ``tilt`` (sites,) is d_k, one minus the cosine between the global and the site's model.
    """
    weights = softmax(logits)
    along = products @ weights  # t_k . t
    squares = np.diag(products) - 2 * along + weights @ along
    distance = np.sqrt(np.maximum(squares, SHORTEST**2))
    share = weights / distance
    by_weight = distance + tilt + along * share.sum() - products @ share
    return float(weights @ (distance + tilt)), weights * (by_weight - weights @ by_weight)


def inner_products(steps: Sequence[State]) -> NDArray[np.float64]:
    """Return (sites, sites) inner products of the steps' weights."""
    weights = [{name: t for name, t in step.items() if is_weight(name, t)} for step in steps]
    zero = {name: np.zeros_like(tensor) for name, tensor in weights[0].items()}
    apart = squared_distances([*weights, zero])
    lengths = apart[-1, :-1]
    products: NDArray[np.float64] = (lengths[:, None] + lengths[None, :] - apart[:-1, :-1]) / 2
    return products


def tilts(start: State, steps: Sequence[State]) -> NDArray[np.float64]:
    """Return one minus the cosine between the model and each site's model (sites,)."""
    return np.array([_tilt(start, step) for step in steps])


def _tilt(start: State, step: State) -> float:
    inner, before, after = 0.0, 0.0, 0.0
    for name, tensor in start.items():
        if name not in step or not is_weight(name, tensor):
            continue
        old, change = tensor.reshape(-1), step[name].reshape(-1)
        for piece in blocks(tensor.size):
            one = old[piece].astype(np.float64)
            other = one + change[piece]
            inner += float(one @ other)
            before += float(one @ one)
            after += float(other @ other)
    return float(1 - inner / max(np.sqrt(before * after), SHORTEST))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares that sum to one (sites,)."""
    raised = np.exp(logits - logits.max())
    shares: NDArray[np.float64] = raised / raised.sum()
    return shares
