"""What the final model of a federation alone reveals about one of its sites.

Every shadow is a whole federation of five sites. The attacker knows how it ran and its start model, and guesses the
first site's share of hits and its detector from the difference of final and start model.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from baselines.privacy_attacks import Floats, flat, guessed_kind, guessed_number
from baselines.privacy_jobs import Job, Result
from baselines.privacy_sites import TASK, pools
from baselines.privacy_updates import EPOCHS, RATE, SITES, random_sites
from fedbragg.config import Federation
from fedbragg.federation import federate
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.site import TaskSite
from fedbragg.types import State

BARRIERS = 4


def final_model(start: State, sites: Sequence[HitData], seed: int) -> State:
    """Return the last model of a federation with these sites."""
    settings = Federation.model_validate(
        {
            "seed": seed,
            "training": {"warmup_epochs": EPOCHS, "epochs": EPOCHS, "learning_rate": RATE},
            "federation": {"schedule": "sync", "barriers": BARRIERS, "workers": 1},
            "sites": [{"name": "any", "runs": ["-"], "labels": "-"}],
        }
    )
    trainers = [
        TaskSite(f"site {number}", TASK, data, settings.training, seed) for number, data in enumerate(sites)
    ]
    return federate(settings, trainers, start).model


def final_jobs(seed: int, federations: int, folder: Path) -> list[Job]:
    """Return the jobs of a seed: one for each federation."""
    return [
        Job(f"final {seed} {number}", partial(_federation, seed, number, folder))
        for number in range(federations)
    ]


def _federation(seed: int, number: int, folder: Path) -> dict[str, Any]:
    found = pools(folder)
    sites = random_sites(found, SITES, np.random.default_rng([seed, 16, number]))
    model = final_model(found.start, sites.frames, 1000 * seed + number)
    step = flat({name: model[name] - found.start[name] for name in model}).astype(np.float16)
    text = base64.b64encode(step.tobytes()).decode()
    return {"share": float(sites.shares[0]), "kind": int(sites.kinds[0]), "step": text}


def guessed(kept: Sequence[Result], shadows: int) -> list[float]:
    """Return: error of the label share, blind error, share of detectors guessed, share by chance."""
    steps: Floats = np.stack(
        [np.frombuffer(base64.b64decode(one["step"]), np.float16).astype(np.float64) for one in kept]
    )
    shares = np.array([one["share"] for one in kept])
    kinds = np.array([one["kind"] for one in kept])
    share = guessed_number(steps[:shadows], shares[:shadows], steps[shadows:], shares[shadows:])
    right = guessed_kind(steps[:shadows], kinds[:shadows], steps[shadows:], kinds[shadows:])
    chance = float((kinds[shadows:] == np.bincount(kinds[:shadows]).argmax()).mean())
    return [share.error, share.blind, right, chance]
