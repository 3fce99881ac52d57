"""Which frames a site has: LiRA (Carlini et al., IEEE S&P 2022) on one round's update, a sum, and the final model.

A job trains the models of one seed and number, and keeps the logit that each gives to the right answer of every
candidate frame. Half of the candidates, drawn anew for each model, are the site's frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.privacy_attacks import likelihood_ratios, mean_of, true_rate_at
from baselines.privacy_jobs import Job, Result
from baselines.privacy_rounds import final_model
from baselines.privacy_sites import NAMES, Pools, chosen, pools
from baselines.privacy_updates import (
    BITS,
    EPOCHS,
    SITES,
    SUM,
    plain,
    private,
    quantised,
    random_sites,
)
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import scores_of
from fedbragg.types import State

CANDIDATES = 96
"""Frames of which each model has half."""
FALSE_RATES = (0.01, 0.1)
FINAL = "final model of a federation"


@dataclass(frozen=True)
class Asked:
    """The frames of which an attacker asks whether a site has them, and all else that the attacker knows."""

    candidates: HitData
    member: NDArray[np.bool_]  # (models, candidates)
    others: list[HitData]  # of the other sites, the same in all models

    def members_of(self, model: int) -> HitData:
        """Return the frames on which one model is trained."""
        return chosen(self.candidates, np.flatnonzero(self.member[model]))


def asked(found: Pools, seed: int, models: int) -> Asked:
    """Draw the candidates of a seed; more models do not change those before."""
    data = found.frames[NAMES[seed % len(NAMES)]]
    candidates = np.random.default_rng([seed, 12]).permutation(len(data))[:CANDIDATES]
    member = np.random.default_rng([seed, 14]).random((models, CANDIDATES)) < 0.5
    others = random_sites(found, SITES - 1, np.random.default_rng([seed, 15])).frames
    return Asked(chosen(data, candidates), member, others)


def member_jobs(seed: int, models: int, folder: Path) -> list[Job]:
    """Return the jobs of a seed: one for each model."""
    return [Job(f"member {seed} {model}", partial(_logits, seed, model, folder)) for model in range(models)]


def _logits(seed: int, model: int, folder: Path) -> dict[str, Any]:
    found = pools(folder)
    question, start = asked(found, seed, model + 1), found.start
    frames, number = question.members_of(model), 1000 * seed + model
    five = plain(start, EPOCHS)(frames, number)
    sent = {
        "plain, 5 epochs": five,
        "plain, 20 epochs": plain(start, 4 * EPOCHS)(frames, number),
        f"quantised to {BITS} bits": quantised(five, number),
        "private": private(start)(frames, number),
        SUM: mean_of([five, *_rest(folder, seed)]),
    }
    models = {name: {key: start[key] + step[key] for key in start} for name, step in sent.items()}
    models[FINAL] = final_model(start, [frames, *question.others], number)
    return {name: right_logits(model, question.candidates) for name, model in models.items()}


@cache
def _rest(folder: Path, seed: int) -> list[State]:
    found = pools(folder)
    others = asked(found, seed, 1).others
    return [plain(found.start, EPOCHS)(frames, number) for number, frames in enumerate(others)]


def right_logits(model: State, frames: HitData) -> list[float]:
    """Return the logit that a model gives to each frame's true answer."""
    chance = np.clip(scores_of({k: v.astype(np.float32) for k, v in model.items()}, frames), 1e-7, 1 - 1e-7)
    logit = np.log(chance / (1 - chance))
    return [round(float(value), 5) for value in np.where(frames.hit.numpy() > 0, logit, -logit)]


def members_found(seed: int, kept: Sequence[Result]) -> dict[str, list[float]]:
    """Return by what is seen the shares of members found at FALSE_RATES; each model's shadows are all others."""
    member = np.random.default_rng([seed, 14]).random((len(kept), CANDIDATES)) < 0.5
    found = {}
    for name in kept[0]:
        scores, members = likelihood_ratios(np.array([one[name] for one in kept]), member)
        found[name] = [true_rate_at(scores, members, rate) for rate in FALSE_RATES]
    return found
