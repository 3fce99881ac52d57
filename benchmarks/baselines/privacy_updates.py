"""The update that a site sends under each setting, and sites drawn from the pools to attack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.privacy_sites import NAMES, TASK, Pools, chosen, shuffled
from fedbragg.federation.quantise import dequantise, quantise
from fedbragg.learn.settings import FitSettings, PrivateTerms
from fedbragg.tasks.hits.data import HitData
from fedbragg.types import State

FRAMES, EPOCHS, BATCH, RATE = 48, 5, 16, 1e-3
SITES = 5
PRIVATE = PrivateTerms(rate=0.25, noise=2.07, clip=1.0)
"""The noise of epsilon 8 at delta 1e-5 over 40 epochs; one round of 5 epochs costs less."""
BITS = 4
SUM = "secure: sum of five, or the model after one round"

Train = Callable[[HitData, int], State]
"""Train on frames with a seed from the start model, and return the update."""


def plain(start: State, epochs: int) -> Train:
    def train(data: HitData, seed: int) -> State:
        after, _ = TASK.train(start, data, FitSettings(epochs, BATCH, RATE), seed)
        return {name: after[name] - start[name] for name in start}

    return train


def private(start: State) -> Train:
    def train(data: HitData, seed: int) -> State:
        fit, generator = FitSettings(EPOCHS, learning_rate=RATE), np.random.default_rng(seed)
        after, _ = TASK.train_privately(start, data, fit, PRIVATE, generator)
        return {name: after[name] - start[name] for name in start}

    return train


def quantised(update: State, seed: int) -> State:
    """Return the received form of an update that is sent in few bits a number."""
    draw = np.random.default_rng([seed, 1])
    return {name: dequantise(quantise(np.asarray(tensor), BITS, draw)) for name, tensor in update.items()}


@dataclass(frozen=True)
class Drawn:
    """Sites of random facilities with random shares of hits."""

    frames: list[HitData]
    shares: NDArray[np.float64]
    kinds: NDArray[np.int64]


def random_sites(found: Pools, count: int, draw: np.random.Generator) -> Drawn:
    kinds, shares = draw.integers(0, len(NAMES), count), draw.uniform(0.1, 0.9, count)
    frames = []
    for kind, share in zip(kinds, shares, strict=True):
        data = found.frames[NAMES[kind]]
        hits, misses = shuffled(data, draw)
        of_hits = round(FRAMES * share)
        frames.append(
            chosen(data, draw.permutation(np.concatenate([hits[:of_hits], misses[: FRAMES - of_hits]])))
        )
    return Drawn(frames, np.array([float(data.hit.mean()) for data in frames]), kinds)
