"""Site weights by label balance: FedKL and FedDisco.

FedKL: Xu et al., Laser & Optoelectronics Progress 2022, 10.3788/LOP220950. FedDisco: Ye et al. 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import log2

import numpy as np

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.weights import Profile, Weights, by_size, shares


def fedkl(profiles: Sequence[Profile], settings: FederationSettings) -> Weights:
    """Weigh by the mean of size and label balance: (p_i + omega_i) / 2 (FedKL, equations 7, 9 and 10).

    p_i = n_i / sum n, W_i = label entropy of site i, omega_i = W_i / sum W.
    """
    return (by_size(profiles, settings) + by_balance(profiles, settings)) / 2


def feddisco(profiles: Sequence[Profile], settings: FederationSettings) -> Weights:
    """Weigh by size minus discrepancy: relu(p_i - slope * d_i + offset), normalised (FedDisco).

    d_i is the divergence KL(labels of site i || uniform) as a share of all sites' divergences. If every
    weight is zero, the sites are weighed by size.
    """
    distance = np.array([divergence(profile.label_counts) for profile in profiles])
    distance = distance / distance.sum() if distance.sum() > 0 else distance
    size = by_size(profiles, settings)
    kept = np.maximum(size - settings.disco_slope * distance + settings.disco_offset, 0)
    return shares(kept) if kept.sum() > 0 else size


def by_balance(profiles: Sequence[Profile], settings: FederationSettings) -> Weights:
    """Weigh by label entropy: omega_i = W_i / sum W; equal weights where every entropy is zero."""
    return shares(np.array([label_entropy(profile.label_counts) for profile in profiles]))


@lru_cache(maxsize=4096)
def divergence(label_counts: tuple[tuple[int, ...], ...]) -> float:
    """Return the mean over annotated questions of KL(labels || uniform) in bits: log2 K - H(labels)."""
    bits = [
        log2(len(counts)) * (1 - _entropy(counts)) for counts in _annotated(label_counts) if len(counts) > 1
    ]
    return float(np.mean(bits)) if bits else 0.0


@lru_cache(maxsize=4096)  # computed again for every site at every arrival
def label_entropy(label_counts: tuple[tuple[int, ...], ...]) -> float:
    """Return the mean over annotated questions of H(labels) / log2 K, for K classes: 0 one class only, 1 all equal.

    A question with fewer than two classes counts as 0. A site that does not annotate a question is neither better nor
    worse balanced for it, so the question is left out.
    """
    return float(np.mean([_entropy(counts) for counts in _annotated(label_counts)])) if label_counts else 0.0


def _annotated(label_counts: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """Return the questions that have labels; all of them where none has, so that such a site counts as unbalanced."""
    return tuple(counts for counts in label_counts if any(counts)) or label_counts


def _entropy(counts: tuple[int, ...]) -> float:
    if len(counts) < 2 or not any(counts):
        return 0.0
    share = np.array([count for count in counts if count], dtype=np.float64) / sum(counts)
    # abs: the entropy of a single class is -0.0 in floating point.
    return float(abs(np.sum(share * np.log2(share))) / np.log2(len(counts)))
