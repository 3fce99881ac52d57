"""How much each site's update counts: arrays only, one function a rule.

A rule turns the sites' profiles into weights that sum to one. Sources: FedAvg (McMahan et al. 2017),
FedKL (Xu et al., Laser & Optoelectronics Progress 2022, 10.3788/LOP220950), FedDisco (Ye et al. 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log2

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import FederationSettings

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


def feddisco(profiles: Sequence[Profile], slope: float = 0.5, offset: float = 0.1) -> Weights:
    """Weigh by size less discrepancy: relu(p_i - slope * d_i + offset), normalised (FedDisco).

    d_i is the divergence KL(labels of site i || uniform) as a share of all sites' divergences. Where no
    site keeps any weight, size alone counts.
    """
    distance = np.array([divergence(profile.label_counts) for profile in profiles])
    distance = distance / distance.sum() if distance.sum() > 0 else distance
    kept = np.maximum(by_size(profiles) - slope * distance + offset, 0)
    return shares(kept) if kept.sum() > 0 else by_size(profiles)


@lru_cache(maxsize=4096)
def divergence(label_counts: tuple[tuple[int, ...], ...]) -> float:
    """Return the mean over questions of KL(labels || uniform) in bits: log2 K - H(labels)."""
    bits = [log2(len(counts)) * (1 - _entropy(counts)) for counts in label_counts if len(counts) > 1]
    return float(np.mean(bits)) if bits else 0.0


def by_balance(profiles: Sequence[Profile]) -> Weights:
    """Weigh by label entropy: omega_i = W_i / sum W; where nobody has any, all sites are equal."""
    return shares(np.array([label_entropy(profile.label_counts) for profile in profiles]))


@lru_cache(maxsize=4096)  # asked again for every site at every arrival
def label_entropy(label_counts: tuple[tuple[int, ...], ...]) -> float:
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


def _entropy(counts: tuple[int, ...]) -> float:
    if len(counts) < 2 or not any(counts):
        return 0.0
    share = np.array([count for count in counts if count], dtype=np.float64) / sum(counts)
    # abs: the entropy of a single class is -0.0 in floating point.
    return float(abs(np.sum(share * np.log2(share))) / np.log2(len(counts)))


RULES: dict[str, Rule] = {
    "fedavg": by_size,
    "fedavg_uniform": uniform,
    "fedkl": fedkl,
    "fedprox": by_size,  # its proximal term pulls at the sites, during training
    "fedpaq": uniform,  # its quantiser works on the way, see wire.py
    "fedboost": by_size,  # the expectation over all frames of the mixture's gradient
    "fedbuff": uniform,
    "fedasync": by_size,
    "median": uniform,
    "trimmed_mean": uniform,
    "krum": uniform,  # of those that it keeps, see robust.py
}


def weigh(profiles: Sequence[Profile], rules: FederationSettings) -> Weights:
    """Weigh sites by the rule of the settings, after capping what they claim."""
    believed = capped(profiles, rules.sample_factor)
    if rules.aggregation == "feddisco":
        return feddisco(believed, rules.disco_slope, rules.disco_offset)
    return RULES[rules.aggregation](believed)
