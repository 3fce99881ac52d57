"""Ways for a facility to get a model, each trained from the packaged one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.joining_facilities import Facility, chosen
from fedbragg.config import Federation
from fedbragg.federation import federate
from fedbragg.models.onnx_file import read_state
from fedbragg.tasks.adapt import Adapting, adapted
from fedbragg.tasks.hits import default_model
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.tasks.site import TaskSite
from fedbragg.types import State

NUMBERS = (0, 10, 30, 100, 300)
"""Labelled frames that a facility has of its own."""
MEMBERS_LABEL = 150
"""Labelled frames of each facility already in the federation."""
PACKAGED, OWN = "packaged model", "own: adapted from the packaged model"
WITHOUT, WITHOUT_ADAPTED = "federated without own labels", "federated without, then adapted"
WITH, WITH_ADAPTED = "federated with own labels", "federated with, then adapted"
ARMS = (PACKAGED, OWN, WITHOUT, WITHOUT_ADAPTED, WITH, WITH_ADAPTED)
RULES = {"aggregation": "fedkl", "schedule": "sync", "barriers": 4, "workers": 1}
Scores = dict[str, list[float]]
"""By part ("test", "strange"), the score of each frame."""


@dataclass(frozen=True, slots=True)
class Trainer:
    """Trains models with one seed."""

    seed: int
    task: HitsTask

    def federated(self, members: Mapping[str, HitData]) -> State:
        """Return the model of a federation of these sites, from the packaged model on."""
        sites = [{"name": name} for name in members]
        table = {"seed": self.seed, "federation": RULES, "server": {"address": "none:1"}, "sites": sites}
        settings = Federation.model_validate(table)
        trainers = [TaskSite(n, self.task, data, settings.training, self.seed) for n, data in members.items()]
        return federate(settings, trainers, packaged()).model

    def adapted(self, start: State, data: HitData) -> State:
        """Return a model adapted as ``fedbragg train`` adapts it, but to all frames; none leaves it as it is."""
        return adapted(self.task, start, data, Adapting(seed=self.seed))

    def scores(self, state: State, facility: Facility) -> Scores:
        """Return a model's scores of a facility's frames."""
        parts = {"test": facility.test, "strange": facility.strange}
        return {n: _rounded(self.task.answers(state, d)) for n, d in parts.items() if d is not None}


def packaged() -> State:
    """Return the weights of the packaged model."""
    return read_state(default_model())


def joined(facility: Facility, others: Sequence[Facility], seed: int) -> dict[str, Any]:
    """Return the scores of every arm for every number of own labels, as JSON: arm, number, part, scores."""
    trainer, start = Trainer(seed, HitsTask(HitsSettings(), PrepareSettings())), packaged()
    members = {f.name: chosen(f.pool, MEMBERS_LABEL, np.random.default_rng([seed, 1])) for f in others}
    without = trainer.federated(members)
    found: dict[str, dict[str, Scores]] = {arm: {} for arm in ARMS}
    labels: dict[str, list[int]] = {}
    for number in NUMBERS:
        # The same seed labels the same frames first, so more labels contain the fewer.
        own = chosen(facility.pool, number, np.random.default_rng([seed, 2]))
        labels[str(number)] = list(own.label_counts[0]) if number else [0, 0]
        both = trainer.federated({**members, facility.name: own}) if number else without
        models = {
            PACKAGED: start,
            OWN: trainer.adapted(start, own),
            WITHOUT: without,
            WITHOUT_ADAPTED: trainer.adapted(without, own),
            WITH: both,
            WITH_ADAPTED: trainer.adapted(both, own),
        }
        for arm, state in models.items():
            found[arm][str(number)] = trainer.scores(state, facility)
    return {"facility": facility.name, "seed": seed, "labels": labels, "scores": found}


def _rounded(scores: NDArray[np.float64]) -> list[float]:
    return [round(float(score), 5) for score in scores]
