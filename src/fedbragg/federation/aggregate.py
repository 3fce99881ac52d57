"""How much each site's update counts: arrays only, one function a rule.

A rule turns the sites' profiles into weights that sum to one. Sources: FedAvg (McMahan et al. 2017),
FedKL (Xu et al., Laser & Optoelectronics Progress 2022, 10.3788/LOP220950).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
"""(sites,) shares that sum to one."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a site has told of its data, and all that a weight is made from."""

    samples: int  # number of labelled frames
    label_counts: tuple[tuple[int, ...], ...]  # one histogram for each question the labels answer


Rule = Callable[[Sequence[Profile]], Weights]


def by_size(profiles: Sequence[Profile]) -> Weights:
    """Weigh by number of frames (FedAvg): n_i / sum n."""
    return shares(np.array([profile.samples for profile in profiles], dtype=np.float64))


def uniform(profiles: Sequence[Profile]) -> Weights:
    """Weigh every site the same: 1 / N."""
    return np.full(len(profiles), 1 / len(profiles))


def fedkl(profiles: Sequence[Profile]) -> Weights:
    """Weigh by the mean of size and label balance: (p_i + omega_i) / 2 (FedKL, equations 7, 9 and 10).

    p_i = n_i / sum n, W_i = label entropy of site i, omega_i = W_i / sum W.
    """
    return (by_size(profiles) + by_balance(profiles)) / 2


def by_balance(profiles: Sequence[Profile]) -> Weights:
    """Weigh by label entropy: omega_i = W_i / sum W; where nobody has any, all sites are equal."""
    return shares(np.array([label_entropy(profile.label_counts) for profile in profiles]))


def label_entropy(label_counts: Sequence[Sequence[int]]) -> float:
    """Return the mean over questions of H(labels) / log2 K, for K classes: 0 one class only, 1 all equal.

    A question with fewer than two classes, or no label, has no entropy to offer and counts as 0.
    """
    return float(np.mean([_entropy(counts) for counts in label_counts])) if label_counts else 0.0


def capped(profiles: Sequence[Profile], factor: float) -> list[Profile]:
    """Let no site count as more than ``factor`` times the median site, whatever it claims."""
    most = max(1, int(factor * float(np.median([profile.samples for profile in profiles]))))
    return [Profile(min(profile.samples, most), profile.label_counts) for profile in profiles]


def shares(amounts: NDArray[np.float64]) -> Weights:
    """Divide amounts by their sum; if that is zero nothing tells them apart, and all are equal."""
    total = amounts.sum()
    return amounts / total if total > 0 else np.full(len(amounts), 1 / len(amounts))


def _entropy(counts: Sequence[int]) -> float:
    if len(counts) < 2 or not any(counts):
        return 0.0
    share = np.array([count for count in counts if count], dtype=np.float64) / sum(counts)
    # abs: the entropy of a single class is -0.0 in floating point.
    return float(abs(np.sum(share * np.log2(share))) / np.log2(len(counts)))


RULES: dict[str, Rule] = {"fedavg": by_size, "fedavg_uniform": uniform, "fedkl": fedkl}
