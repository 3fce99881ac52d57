"""Sites that share no micrograph: each alone, together with and without shared style, and all pictures in one place.

Each training is judged once and its figures kept in a folder, so that an experiment goes on where it stopped.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch

from fedbragg.config import Federation, FederationSettings, SiteSettings, StyleSettings, TrainingSettings
from fedbragg.tasks.segments.data import SegmentData
from fedbragg.tasks.segments.settings import SegmentsSettings
from fedbragg.tasks.segments.task import SegmentsTask
from fedbragg.types import State
from fedbragg.workflows.federate import Project, train_alone, train_pooled, train_together
from fedbragg.workflows.site_data import SiteData

Scores = dict[str, dict[str, float]]
"""By the name of the test, every measure of judge.summary."""
ARMS = ("each alone", "FedAvg", "FedAvg + statistics", "FedAvg + spectrum", "pooled")


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a site trains: barriers, and passes before the first of them and between them."""

    warmup: int
    epochs: int
    barriers: int


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """Who trains on what, and what judges it."""

    names: tuple[str, ...]  # of the classes
    sites: tuple[SiteData[SegmentData], ...]
    tests: Mapping[str, SegmentData]
    start: State
    budget: Budget


@dataclass(frozen=True, slots=True)
class Runs:
    """An experiment as it is repeated."""

    name: str
    build: Callable[[int], Experiment]  # from a seed; importable, for it runs in other processes
    arms: tuple[str, ...] = ARMS
    seeds: tuple[int, ...] = tuple(range(5))


def scores(runs: Runs, processes: int, kept: Path) -> dict[str, list[Scores]]:
    """Return the figures of every arm and seed: those kept in a folder, else measured now."""
    kept.mkdir(parents=True, exist_ok=True)
    jobs = [
        (arm, seed) for seed in runs.seeds for arm in runs.arms if not _file(kept, runs, arm, seed).exists()
    ]
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
        work = [(runs, arm, seed) for arm, seed in jobs]
        for arm, seed, found in pool.imap_unordered(_judged, work, chunksize=1):
            _file(kept, runs, arm, seed).write_text(json.dumps(found))
            short = {test: round(values["mean IoU"], 3) for test, values in found.items()}
            print(runs.name, seed, arm, short, file=sys.stderr, flush=True)
    return {
        arm: [json.loads(_file(kept, runs, arm, seed).read_text()) for seed in runs.seeds]
        for arm in runs.arms
    }


def _file(kept: Path, runs: Runs, arm: str, seed: int) -> Path:
    return kept / f"{runs.name}-{arm.replace(' ', '')}-{seed}.json"


def _judged(job: tuple[Runs, str, int]) -> tuple[str, int, Scores]:
    torch.set_num_threads(1)
    runs, arm, seed = job
    experiment = runs.build(seed)
    project = project_of(experiment, arm, seed)
    found = [judged(experiment, state) for state in trained(experiment, project, arm)]
    return arm, seed, mean_scores(found)


def trained(experiment: Experiment, project: Project, arm: str) -> Sequence[State]:
    """Return the models of an arm: one, or one of each site."""
    sites, start = experiment.sites, experiment.start
    if arm == "each alone":
        return [train_alone(project, site, start, project.epochs) for site in sites]
    if arm == "pooled":
        return [train_pooled(project, sites, start, project.epochs)]
    return [train_together(project, sites, start).outcome.model]


def project_of(experiment: Experiment, arm: str, seed: int) -> Project:
    """Return the federation of an arm."""
    budget = experiment.budget
    share = arm.rpartition(" + ")[2] if " + " in arm else "off"
    plan = Federation(
        task="segments",
        seed=seed,
        training=TrainingSettings(
            warmup_epochs=budget.warmup, epochs=budget.epochs, batch=8, learning_rate=2e-3
        ),
        federation=FederationSettings(
            aggregation="fedavg", schedule="sync", barriers=budget.barriers, workers=1
        ),
        style=StyleSettings(share=cast(Literal["off", "statistics", "spectrum"], share)),
        sites=tuple(SiteSettings(name=site.name, runs=("-",), labels="-") for site in experiment.sites),
    )
    settings = SegmentsSettings(names=experiment.names)
    return Project(plan, SegmentsTask(settings), Path())


def judged(experiment: Experiment, state: State) -> Scores:
    """Return every measure of a model on each test."""
    task = SegmentsTask(SegmentsSettings(names=experiment.names))
    return {
        test: {
            name: found.value for name, found in task.metrics(data.truth, task.answers(state, data)).items()
        }
        for test, data in experiment.tests.items()
    }


def mean_scores(found: Sequence[Scores]) -> Scores:
    """Return the mean of several models' figures."""
    first = found[0]
    return {
        test: {name: float(np.mean([one[test][name] for one in found])) for name in first[test]}
        for test in first
    }
