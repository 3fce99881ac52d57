"""What a site's update reveals about its share of hits and its detector, and which peaks can be copied out of it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.privacy_attacks import flat, guessed_kind, guessed_number, mean_of, peaks_in, share_found
from baselines.privacy_sites import NAMES, Pools, chosen
from baselines.privacy_updates import BITS, EPOCHS, SITES, SUM, plain, private, quantised, random_sites
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import HitProblem, network_of
from fedbragg.types import State

SHADOWS, TARGETS = 40, 20  # updates to learn from, and to attack


def groups_of_five(sites: NDArray[np.int64], draw: np.random.Generator) -> list[NDArray[np.int64]]:
    """Return for each site a group that it leads; the others are drawn among the rest."""
    return [np.array([site, *draw.choice(sites[sites != site], SITES - 1, replace=False)]) for site in sites]


def label_and_detector(found: Pools, seed: int) -> dict[str, tuple[float, float, float, float]]:
    """Return by setting: error of the label share, blind error, share of detectors guessed, share by chance."""
    draw = np.random.default_rng([seed, 11])
    drawn, start = random_sites(found, SHADOWS + TARGETS, draw), found.start
    known, asked = np.arange(SHADOWS), np.arange(SHADOWS, SHADOWS + TARGETS)
    five = [plain(start, EPOCHS)(data, number) for number, data in enumerate(drawn.frames)]
    seen: dict[str, Sequence[State]] = {
        "plain, 1 epoch": [plain(start, 1)(data, n) for n, data in enumerate(drawn.frames)],
        "plain, 5 epochs": five,
        f"quantised to {BITS} bits": [quantised(update, n) for n, update in enumerate(five)],
        # Learnt from single updates: a predictor of a site's share from its update predicts the mean share from a sum.
        SUM: [*five[:SHADOWS], *(mean_of([five[i] for i in group]) for group in groups_of_five(asked, draw))],
        "private": [private(start)(data, n) for n, data in enumerate(drawn.frames)],
    }
    result = {}
    for name, updates in seen.items():
        vectors = np.stack([flat(update) for update in updates])
        guess = guessed_number(vectors[known], drawn.shares[known], vectors[asked], drawn.shares[asked])
        right = guessed_kind(vectors[known], drawn.kinds[known], vectors[asked], drawn.kinds[asked])
        chance = float((drawn.kinds[asked] == np.bincount(drawn.kinds[known]).argmax()).mean())
        result[name] = (guess.error, guess.blind, right, chance)
    return result


# What its frames show


def inversion(found: Pools, seed: int) -> dict[str, float]:
    """Return by setting the share of a site's peaks that are copied out of what leaves it."""
    draw, start = np.random.default_rng([seed, 13]), found.start
    data = found.frames[NAMES[seed % len(NAMES)]]
    frames = chosen(data, draw.permutation(len(data))[:64])
    shared = {"gradient of 1 frame": [], "update of one step on 1 frame": []}
    for number in range(16):
        one = frames[number : number + 1]
        peaks = one.measures.numpy().astype(float)
        if len(peaks):
            shared["gradient of 1 frame"].append(share_found(peaks_in(gradient(start, one)), peaks))
            step = plain(start, 1)(one, number)
            shared["update of one step on 1 frame"].append(share_found(peaks_in(step), peaks))
    peaks = frames.measures.numpy().astype(float)
    five = plain(start, EPOCHS)(frames, seed)
    rest = [
        plain(start, EPOCHS)(one, number) for number, one in enumerate(random_sites(found, 4, draw).frames)
    ]
    sent = {
        "gradient of 64 frames": gradient(start, frames),
        "plain, 5 epochs": five,
        f"quantised to {BITS} bits": quantised(five, seed),
        SUM: mean_of([five, *rest]),
        "private": private(start)(frames, seed),
    }
    single = {name: mean(values) for name, values in shared.items()}
    return {**single, **{name: share_found(peaks_in(update), peaks) for name, update in sent.items()}}


def gradient(start: State, data: HitData) -> State:
    """Return the gradient of the mean loss over frames: what a site without Adam would send of one step."""
    network = network_of(start)
    HitProblem(network, data).loss(torch.arange(len(data))).backward()
    return {name: p.grad.numpy() for name, p in network.named_parameters() if p.grad is not None}
