"""What does differential privacy cost? Accuracy against epsilon on the five named facilities, beside training alone.

    .venv/bin/python benchmarks/privacy.py [SEED ...]

Each run's result is kept in a folder, so an interrupted study can resume. The table needs all seeds; give some to share
the work among processes. Private runs train fewer epochs than the others, because each costs noise; rates and epochs
were not tuned.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch

from baselines.privacy_sites import TASK, DrawnSite, Pools, drawn_sites, kept, pools
from fedbragg.config import Federation
from fedbragg.federation import federate
from fedbragg.federation.private_training import private_terms
from fedbragg.progress import bars
from fedbragg.tasks.base import headline_score
from fedbragg.tasks.site import TaskSite
from fedbragg.types import State
from harness import Table, publish

SEEDS = (0, 1, 2, 3, 4)
STUDENT_T = 2.776  # 97.5th percentile, 4 degrees of freedom
OWN, ELSEWHERE = "on its own frames", "on the other sites' frames"
EPSILONS = (1.0, 3.0, 10.0, 30.0)
BARRIERS = 6
PUBLIC_TRAINING = {"warmup_epochs": 15, "epochs": 5, "learning_rate": 5e-4}
PRIVATE_TRAINING = {"warmup_epochs": 4, "epochs": 2, "learning_rate": 1e-3}
SAMPLING_RATE = 0.5
DELTA = 1e-3
"""Below one over the frames of the largest site, 160, of which each is a unit."""


def settings(seed: int, training: dict[str, Any], epsilon: float = 0.0) -> Federation:
    return Federation.model_validate(
        {
            "seed": seed,
            "training": training,
            "federation": {"schedule": "sync", "barriers": BARRIERS, "workers": 1, "norm_factor": 1e9},
            "privacy": {"epsilon": epsilon, "delta": DELTA, "sampling_rate": SAMPLING_RATE},
            "sites": [{"name": "any", "runs": ["-"], "labels": "-"}],
        }
    )


def trainer(site: DrawnSite, plan: Federation) -> TaskSite[Any]:
    one = TaskSite(site.name, TASK, site.train, plan.training, plan.seed)
    return replace(one, private=private_terms(plan))


def together(found: Pools, sites: Sequence[DrawnSite], plan: Federation) -> list[State]:
    outcome = federate(plan, [trainer(site, plan) for site in sites], found.start)
    return [outcome.model] * len(sites)


def alone(found: Pools, sites: Sequence[DrawnSite], plan: Federation) -> list[State]:
    epochs = plan.training.warmup_epochs + plan.training.epochs * (BARRIERS - 1)
    steps = [trainer(site, plan).train(found.start, 0, epochs).tensors for site in sites]
    return [{name: found.start[name] + step[name] for name in step} for step in steps]


Arm = Callable[[Pools, Sequence[DrawnSite], int], list[State]]


def arms() -> dict[str, Arm]:
    """Return by name what gives each site its model."""
    private = {
        f"federated, epsilon {epsilon:g}": (
            lambda found, sites, seed, epsilon=epsilon: together(
                found, sites, settings(seed, PRIVATE_TRAINING, epsilon)
            )
        )
        for epsilon in EPSILONS
    }
    return {
        "public start model": lambda found, sites, seed: [found.start] * len(sites),
        "each site alone": lambda found, sites, seed: alone(found, sites, settings(seed, PUBLIC_TRAINING)),
        "federated, no noise": lambda found, sites, seed: together(
            found, sites, settings(seed, PUBLIC_TRAINING)
        ),
        **private,
    }


def measured(found: Pools, seed: int, arm: Arm) -> dict[str, float]:
    sites = drawn_sites(found, seed)
    return accuracies(sites, arm(found, sites, seed))


def accuracies(sites: Sequence[DrawnSite], models: Sequence[State]) -> dict[str, float]:
    """Return each site's on its own test, and the means over sites on their own and on all others' tests."""
    scores = np.array([[headline_score(TASK, site.test, model) for site in sites] for model in models])
    same = np.eye(len(sites), dtype=bool)
    own = {site.name: float(score) for site, score in zip(sites, scores[same], strict=True)}
    return {**own, OWN: float(scores[same].mean()), ELSEWHERE: float(scores[~same].mean())}


def interval(values: Sequence[float]) -> str:
    spread = STUDENT_T * stdev(values) / len(values) ** 0.5 if len(values) == len(SEEDS) else float("nan")
    return f"{mean(values):.3f} ± {spread:.3f}"


def table(results: dict[str, list[dict[str, float]]]) -> Table:
    alone_found = results["each site alone"]
    rows = []
    for arm, found in results.items():
        row = [arm]
        for where in (OWN, ELSEWHERE):
            gains = [one[where] - other[where] for one, other in zip(found, alone_found, strict=True)]
            row += [interval([one[where] for one in found]), interval(gains)]
        rows.append(row)
    return Table(
        "What is joining worth under differential privacy?",
        ["arm", OWN, "over each site alone", ELSEWHERE, "over each site alone"],
        rows,
        [
            f"Balanced accuracy, mean over five sites, {len(alone_found)} seeds, 95 % intervals. Delta {DELTA:g}; "
            f"a unit is a frame, because every simulated one shows another crystal. Sampling rate {SAMPLING_RATE:g}.",
            "The other sites' frames stand for a detector or sample that a site has not labelled yet.",
        ],
    )


def main() -> None:
    torch.set_num_threads(1)
    seeds = [int(seed) for seed in sys.argv[1:]] or list(SEEDS)
    found, results = pools(), {name: [] for name in arms()}
    with bars() as progress:
        step = progress.stage("Training", len(seeds) * len(results))
        for seed in seeds:
            for name, arm in arms().items():
                results[name].append(kept(f"joining {seed} {name}", partial(measured, found, seed, arm)))
                step()
    if sorted(seeds) == list(SEEDS):  # with fewer, the results are only kept for later
        publish("privacy", [table(results)])


if __name__ == "__main__":
    main()
