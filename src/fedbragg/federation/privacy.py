"""What an update gives away, bounded: its length clipped and noise added before it leaves its site.

The site adds the noise itself, so the guarantee holds against everybody, the coordinator included. It is
for the site's whole data set (not for one frame) and for the tensors alone: frames, label counts and loss
travel as they are. Integer tensors are neither clipped nor noised; keep them at home with ``keep_norms``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import FederationSettings
from fedbragg.state_arithmetic import norm
from fedbragg.types import State, Update


def shielded(update: Update, rules: FederationSettings, generator: np.random.Generator) -> Update:
    """Clip and noise an update as the settings say; a site's own generator must not be guessable."""
    if not rules.clip:
        return update
    tensors = clipped(update.tensors, rules.clip)
    if rules.noise:
        tensors = noised(tensors, rules.noise * rules.clip, generator)
    return replace(update, tensors=tensors)


def clipped(tensors: State, longest: float) -> State:
    """Shorten an update to a Euclidean length, if it is longer."""
    length = norm(tensors)
    if length <= longest:
        return tensors
    return _on_floats(tensors, lambda tensor: tensor * tensor.dtype.type(longest / length))


def noised(tensors: State, deviation: float, generator: np.random.Generator) -> State:
    """Add Gaussian noise to every number."""

    def with_noise(tensor: NDArray[Any]) -> NDArray[Any]:
        return (tensor + deviation * generator.standard_normal(tensor.shape)).astype(tensor.dtype)

    return _on_floats(tensors, with_noise)


def epsilon(noise: float, updates: int, delta: float) -> float:
    """Return the epsilon of (epsilon, delta) differential privacy after a site's so many updates.

    Replacing a site's whole data set moves a clipped update by at most twice the clip, so one Gaussian
    release is rho = 2 / noise**2 zero-concentrated private; these add up, and epsilon = rho + 2 sqrt(rho
    log(1 / delta)) (Bun and Steinke 2016, propositions 1.3 and 1.6).
    """
    if noise == 0:
        return float("inf")
    rho = updates * 2 / noise**2
    return rho + 2 * sqrt(rho * log(1 / delta))


def _on_floats(tensors: State, change: Callable[[NDArray[Any]], NDArray[Any]]) -> State:
    return {
        name: change(tensor) if np.issubdtype(tensor.dtype, np.floating) else tensor
        for name, tensor in tensors.items()
    }
