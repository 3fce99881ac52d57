"""Site weights by size, and the parts shared by all weights: profiles, normalising, capping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import FederationSettings

Weights = NDArray[np.float64]
"""(sites,) shares that sum to one."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A site's report about its data and its last training."""

    samples: int  # number of labelled frames
    label_counts: tuple[tuple[int, ...], ...]  # one histogram for each question the labels answer
    steps: int = 0  # of the optimiser, where the rule divides by them


def by_size(profiles: Sequence[Profile], settings: FederationSettings) -> Weights:
    """Weigh by number of frames: n_i / sum n (FedAvg, McMahan et al. 2017)."""
    return shares(np.array([profile.samples for profile in profiles], dtype=np.float64))


def uniform(profiles: Sequence[Profile], settings: FederationSettings) -> Weights:
    """Weigh every site the same: 1 / N."""
    return np.full(len(profiles), 1 / len(profiles))


def fednova(profiles: Sequence[Profile], settings: FederationSettings) -> Weights:
    """Weigh by size over number of steps: p_i tau / tau_i with tau = sum p_i tau_i (FedNova, Wang et al. 2020).

    tau_i is the number of the optimiser's steps. The weights sum to one only where all sites make as many.
    """
    size, steps = by_size(profiles, settings), np.array([max(profile.steps, 1) for profile in profiles])
    weights: Weights = size * (size @ steps) / steps
    return weights


def capped(profiles: Sequence[Profile], factor: float) -> list[Profile]:
    """Limit a site's frames to ``factor`` times the sites' median, and its steps to no less than that fraction."""
    most = max(1, int(factor * float(np.median([profile.samples for profile in profiles]))))
    fewest = int(float(np.median([profile.steps for profile in profiles])) / factor)
    return [
        replace(profile, samples=min(profile.samples, most), steps=max(profile.steps, fewest))
        for profile in profiles
    ]


def shares(amounts: NDArray[np.float64]) -> Weights:
    """Divide amounts by their sum; amounts that sum to zero give equal shares."""
    total = amounts.sum()
    return amounts / total if total > 0 else np.full(len(amounts), 1 / len(amounts))
