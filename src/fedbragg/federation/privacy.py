"""Differential privacy at the sites: an update is clipped and noised before it leaves.

The site adds the noise itself, so the guarantee holds against everybody, the coordinator included. It is
for the site's whole data set (not for one frame) and for the tensors alone: the number of frames, the label
counts and the loss are sent unchanged. So are integer tensors; ``local_batchnorm`` keeps those of BatchNorm
at the site.
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


def clip_and_noise(update: Update, settings: FederationSettings, generator: np.random.Generator) -> Update:
    """Clip an update and add noise, as the settings say; nobody else may know the generator's seed."""
    if not settings.clip:
        return update
    tensors = clipped(update.tensors, settings.clip)
    if settings.noise:
        tensors = noised(tensors, settings.noise * settings.clip, generator)
    return replace(update, tensors=tensors)


def clipped(tensors: State, longest: float) -> State:
    """Shorten an update to the length ``longest``, if it is longer."""
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
    """Return the epsilon of (epsilon, delta) differential privacy after ``updates`` updates of a site.

    Replacing a site's whole data set moves a clipped update by at most twice the clip, so one Gaussian
    release has rho = 2 / noise**2 of zero-concentrated privacy. The rho of all updates add up, and
    epsilon = rho + 2 sqrt(rho log(1 / delta)) (Bun and Steinke 2016, propositions 1.3 and 1.6).
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
