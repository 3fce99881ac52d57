"""Five facilities that run one network, or several that teach one another: one federation of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.joining_facilities import Facility, chosen
from fedbragg.config import Federation
from fedbragg.federation import Ensemble, federate
from fedbragg.federation.distil import distillation
from fedbragg.federation.ensemble import join_networks, part_of
from fedbragg.metrics.classification import summary
from fedbragg.progress import SILENT
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import pretrain
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.sources import public_frames
from fedbragg.tasks.hits.task import PUBLIC_FRAMES, HitsTask
from fedbragg.tasks.networks import TaskStudent
from fedbragg.tasks.site import TaskSite
from fedbragg.types import State

FEWEST_FRAMES, MOST_FRAMES = 30, 90
"""Labelled frames of a site, drawn between the two."""
TASK = HitsTask(HitsSettings(public_frames=PUBLIC_FRAMES), PrepareSettings())
PUBLIC_SEED = 9100
AVERAGED = "averaged answers"
RULES = {"aggregation": "fedkl", "schedule": "sync", "barriers": 6, "workers": 1}
Scores = dict[str, dict[str, float]]
"""By network, each metric: the mean over the facilities."""


@dataclass(frozen=True, slots=True, eq=False)
class Public:
    """Simulated frames: with labels for the start models, and without for teaching."""

    folder: Path  # where start models are kept
    start: HitData
    teach: HitData

    @staticmethod
    def of(folder: Path) -> Public:
        """Return them as a federation with default settings makes them; simulate those that ``folder`` lacks."""
        frames, prepare = TASK.settings.public_frames, TASK.prepare
        start = _kept(folder / "start.npz", lambda: public_frames(frames, PUBLIC_SEED, prepare))
        teach = _kept(folder / "teach.npz", lambda: TASK.examples_to_teach(PUBLIC_SEED, SILENT))
        return Public(folder, start, teach)

    def start_model(self, network: str, seed: int) -> State:
        """Return a network trained on the labelled frames, or the one trained before."""
        path, settings = self.folder / f"{network}-{seed}.npz", TASK.settings
        if not path.exists():
            epochs, weight = settings.public_epochs, settings.hit_weight
            np.savez(path, **pretrain(self.start, epochs, seed, None, weight, network))
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files}


def _kept(path: Path, make: Any) -> HitData:
    keys = ("measures", "first", "hit", "spots")
    if not path.exists():
        data = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **{key: getattr(data, key).numpy() for key in keys})
    with np.load(path) as stored:
        return HitData(*(torch.from_numpy(stored[key]) for key in keys))


def trained(
    facilities: Sequence[Facility], networks: Sequence[str], public: Public, seed: int, *, teach: bool
) -> Scores:
    """Return the scores of each network of a federation, and of their averaged answers where there are several.

    The sites take the networks in turn, beginning with another one for each seed.
    """
    generator = np.random.default_rng([seed, 5])
    counts = generator.integers(FEWEST_FRAMES, MOST_FRAMES + 1, len(facilities))
    members = {f.name: chosen(f.pool, int(n), generator) for f, n in zip(facilities, counts, strict=True)}
    of_sites = {name: networks[(seed + k) % len(networks)] for k, name in enumerate(members)}
    tasks = {name: TASK.with_network(name) for name in dict.fromkeys(networks)}
    settings = _settings(seed, list(members))
    sites = [
        TaskSite(name, tasks[of_sites[name]], data, settings.training, seed) for name, data in members.items()
    ]
    start = join_networks({name: public.start_model(name, seed) for name in tasks})
    students = {name: TaskStudent(task, public.teach, seed) for name, task in tasks.items()}
    refine = distillation(students, of_sites) if teach else None
    model = federate(settings, sites, start, ensemble=Ensemble(of_sites, refine)).model
    return _scores(tasks, model, [facility.test for facility in facilities])


def _settings(seed: int, sites: Sequence[str]) -> Federation:
    table = {"seed": seed, "federation": RULES, "server": {"address": "none:1"}}
    return Federation.model_validate({**table, "sites": [{"name": name} for name in sites]})


def _scores(tasks: Mapping[str, HitsTask], model: State, tests: Sequence[HitData]) -> Scores:
    logits = {
        name: [task.logits(part_of(name, model), data)[:, 1] for data in tests]
        for name, task in tasks.items()
    }
    if len(logits) > 1:
        logits[AVERAGED] = [np.mean(of_test, axis=0) for of_test in zip(*logits.values(), strict=True)]
    return {name: _judged(tests, answers) for name, answers in logits.items()}


def _judged(tests: Sequence[HitData], logits: Sequence[NDArray[np.float64]]) -> dict[str, float]:
    found = [summary(data.truth, 1 / (1 + np.exp(-z)), 0.5) for data, z in zip(tests, logits, strict=True)]
    return {
        key: float(np.mean([one[key].value for one in found]))
        for key in ("AUC", "balanced accuracy", "recall")
    }
