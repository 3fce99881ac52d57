"""The order in which frames are shown: by time, by uncertainty, at random, or only where people disagree."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.uint32]
"""Positions of frames in the run, in the order in which they are shown."""


class Order(StrEnum):
    """The orders that the page offers."""

    TIME = "time"
    UNCERTAIN = "uncertain"
    RANDOM = "random"
    DISAGREEMENT = "disagreement"


def by_time(frames: int) -> Positions:
    """Return all positions as they were measured."""
    return np.arange(frames, dtype=np.uint32)


def at_random(frames: int, seed: int) -> Positions:
    """Return all positions, shuffled; every start of a run's order is an unbiased sample of it."""
    return np.random.default_rng(seed).permutation(frames).astype(np.uint32)


def by_uncertainty(scores: NDArray[np.float64], threshold: float) -> Positions:
    """Return all positions, scores (frames,) nearest to the threshold first; then those without a score, NaN."""
    distance = np.abs(scores - threshold)
    return np.argsort(np.where(np.isnan(distance), np.inf, distance), kind="stable").astype(np.uint32)


def only(positions: Iterable[int]) -> Positions:
    """Return some positions in order of time."""
    return np.array(sorted(positions), dtype=np.uint32)
