"""Attack what leaves a site, and attack a federation from one site.

    .venv/bin/python benchmarks/attacks.py leaks     # what each setting tells about one site
    .venv/bin/python benchmarks/attacks.py hostile   # what one hostile site in five does

The sites are drawn from simulated frames of the five named facilities (baselines/privacy_sites.py), 48 frames each.
spotnet is trained from the public start model as a site trains it; nothing real is attacked. Five seeds; intervals are
95 % of Student's t over seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import mean, stdev

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.privacy_attacks import (
    flat,
    guessed_kind,
    guessed_number,
    likelihood_ratios,
    mean_of,
    peaks_in,
    share_found,
    true_rate_at,
)
from baselines.privacy_hostile import ATTACKS, DEFENCES, damage
from baselines.privacy_sites import NAMES, TASK, Pools, chosen, drawn_sites, kept, pools, shuffled
from fedbragg.federation.quantise import dequantise, quantise
from fedbragg.learn.settings import FitSettings, PrivateTerms
from fedbragg.progress import bars
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import HitProblem, network_of, scores_of
from fedbragg.types import State
from harness import Table, publish, with_kept

SEEDS = (0, 1, 2, 3, 4)
STUDENT_T = 2.776  # 97.5th percentile, 4 degrees of freedom
FRAMES, EPOCHS, BATCH, RATE = 48, 5, 16, 1e-3
SHADOWS, TARGETS = 40, 20  # updates to learn from, and to attack
MODELS, CANDIDATES = 12, 96  # of membership: models, and frames of which each has half
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


def quantised(train: Train) -> Train:
    def sent(data: HitData, seed: int) -> State:
        draw = np.random.default_rng([seed, 1])
        return {
            name: dequantise(quantise(np.asarray(tensor), BITS, draw))
            for name, tensor in train(data, seed).items()
        }

    return sent


# Sites with any share of hits


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
        f"quantised to {BITS} bits": [
            quantised(lambda *_, n=n: five[n])(data, n) for n, data in enumerate(drawn.frames)
        ],
        # Learnt from single updates: what predicts a site's share from its update predicts the mean share from a sum.
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


# Which frames a site has


def membership(found: Pools, seed: int) -> dict[str, tuple[float, float]]:
    """Return by setting LiRA's true rates of members at a false rate of 1 % and of 10 %."""
    draw, start = np.random.default_rng([seed, 12]), found.start
    data = found.frames[NAMES[seed % len(NAMES)]]
    candidates = draw.permutation(len(data))[:CANDIDATES]
    member = draw.random((MODELS, CANDIDATES)) < 0.5
    others = random_sites(found, SITES - 1, draw).frames
    trained = {
        "plain, 5 epochs": plain(start, EPOCHS),
        "plain, 20 epochs": plain(start, 4 * EPOCHS),
        f"quantised to {BITS} bits": quantised(plain(start, EPOCHS)),
        "private": private(start),
    }
    rest = [plain(start, EPOCHS)(frames, number) for number, frames in enumerate(others)]
    all_candidates, truth = chosen(data, candidates), data.hit.numpy()[candidates] > 0
    updates = {name: [] for name in (*trained, SUM)}
    for model in range(MODELS):
        frames = chosen(data, candidates[member[model]])
        for name, train in trained.items():
            updates[name].append(train(frames, 1000 * seed + model))
        updates[SUM].append(mean_of([updates["plain, 5 epochs"][-1], *rest]))
    result = {}
    for name, sent in updates.items():
        confidence = np.stack([right_logit(start, step, all_candidates, truth) for step in sent])
        scores, members = likelihood_ratios(confidence, member)
        result[name] = tuple(true_rate_at(scores, members, rate) for rate in (0.01, 0.1))
    return result


def right_logit(start: State, step: State, data: HitData, truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the logit that a model gives to each frame's true answer."""
    model = {name: (start[name] + step[name]).astype(np.float32) for name in start}
    chance = np.clip(scores_of(model, data), 1e-7, 1 - 1e-7)
    logit = np.log(chance / (1 - chance))
    return np.where(truth, logit, -logit)


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
        f"quantised to {BITS} bits": quantised(lambda *_: five)(frames, seed),
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


# Tables


def interval(values: Sequence[float]) -> str:
    spread = STUDENT_T * stdev(values) / len(values) ** 0.5 if len(values) == len(SEEDS) else float("nan")
    return f"{mean(values):.3f} ± {spread:.3f}"


def leaks(seeds: Sequence[int]) -> list[Table]:
    found, rows = pools(), []
    labels, members, copies = [], [], []
    with bars() as progress:
        step = progress.stage("Attacking", 3 * len(seeds))
        for seed in seeds:
            for results, attack in ((labels, label_and_detector), (members, membership), (copies, inversion)):
                results.append(kept(f"{attack.__name__} {seed}", partial(attack, found, seed)))
                step()
    for name in labels[0]:
        columns = list(zip(*(result[name] for result in labels), strict=True))
        rows.append([name, *(interval(column) for column in columns)])
    return [
        Table(
            "What does an update tell about a site's labels and its detector?",
            ["what is seen", "error of the hit share", "blind error", "detector guessed", "by chance"],
            rows,
            [
                f"{SHADOWS} shadow updates to learn from, {TARGETS} to attack, {FRAMES} frames a site; a share is "
                "uniform from 0.1 to 0.9. One of the five sites in a sum is attacked; it makes up a fifth of the sum."
            ],
        ),
        Table(
            "Does an update tell whether a frame was trained on (LiRA)?",
            ["what is seen", "members found at 1 % false", "at 10 % false"],
            [
                [name, *(interval([result[name][i] for result in members]) for i in (0, 1))]
                for name in members[0]
            ],
            [f"{MODELS} models, each on a random half of {CANDIDATES} frames. Chance is 0.010 and 0.100."],
        ),
        Table(
            "How many of a site's peaks can be copied out of what leaves it?",
            ["what is seen", "share of peaks found, to 1 %"],
            [[name, interval([result[name] for result in copies])] for name in copies[0]],
            [
                "Weights over bias of the first layer. The first step of Adam, with which sites train, is signs."
            ],
        ),
    ]


def hostile(seeds: Sequence[int]) -> list[Table]:
    found, results = pools(), {}
    with bars() as progress:
        step = progress.stage("One hostile site", len(seeds) * len(ATTACKS) * len(DEFENCES))
        for seed in seeds:
            sites = drawn_sites(found, seed)
            for attack in ATTACKS:
                for defence in DEFENCES:
                    run = partial(damage, sites, found.start, attack, defence, seed)
                    name = f"hostile {seed} {attack} {defence}"
                    results.setdefault((attack, defence), []).append(
                        kept(name, lambda run=run: asdict(run()))
                    )
                    step()
    rows = [
        [
            attack,
            defence,
            *(interval([one[kind] for one in many]) for kind in ("accuracy", "triggered")),
            f"{mean(one['withdrawn'] for one in many):.1f}",
        ]
        for (attack, defence), many in results.items()
    ]
    return [
        Table(
            "What does one hostile site in five do to the others?",
            [
                "attack",
                "defence",
                "balanced accuracy",
                "misses with the trigger taken for hits",
                "models withdrawn",
            ],
            rows,
            [
                "Mean over the four honest sites, each with the model that it keeps, on 80 frames of its own test."
            ],
        )
    ]


def main() -> None:
    torch.set_num_threads(1)
    tables = {"leaks": leaks, "hostile": hostile}
    chosen_tables = [word for word in sys.argv[1:] if word in tables] or list(tables)
    seeds = [int(word) for word in sys.argv[1:] if word.isdecimal()] or list(SEEDS)
    for name in chosen_tables:
        made = tables[name](seeds)
        if seeds == list(SEEDS):  # with fewer, the results are only kept for later
            for table in made:
                publish("attacks", with_kept("attacks", table))


if __name__ == "__main__":
    main()
