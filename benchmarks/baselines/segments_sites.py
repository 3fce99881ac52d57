"""Sites that share no micrograph: each alone, together with and without shared style, and all pictures in one place.

Each training is a job of kept_jobs.py, judged where it has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, cast

import numpy as np

from baselines.kept_jobs import Job
from fedbragg.config import Federation, FederationSettings, SiteSettings, StyleSettings, TrainingSettings
from fedbragg.precision import Precision
from fedbragg.tasks.segments.data import SegmentData
from fedbragg.tasks.segments.settings import SegmentsSettings
from fedbragg.tasks.segments.task import SegmentsTask
from fedbragg.types import State
from fedbragg.workflows.federate import Project, train_alone, train_pooled, train_together
from fedbragg.workflows.site_data import SiteData

Scores = dict[str, dict[str, float]]
"""By the name of the test, every measure of judge.summary."""
ARMS = ("FedAvg", "FedAvg + statistics", "FedAvg + spectrum", "pooled", "FedAvg + drawn", "each alone")
BATCH = 8
"""Crops in a step of pooled training; a site takes its share of them, so that all ways make as many steps."""
DRAWN = 0.5
"""Share of the crops that an arm with drawn styles shows in one, as many as sharing sites show in another site's."""

FAST: Precision = "bfloat16"
"""Precision of the longest trainings."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A site's training time: barriers, and passes before the first of them and between them."""

    warmup: int
    epochs: int
    barriers: int


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """The sites with their data, and the tests."""

    names: tuple[str, ...]  # of the classes
    sites: tuple[SiteData[SegmentData], ...]
    tests: Mapping[str, SegmentData]
    start: State
    budget: Budget


@dataclass(frozen=True, slots=True)
class Runs:
    """An experiment as it is repeated."""

    name: str
    build: Callable[[int], Experiment]  # from a seed; importable, because it runs in other processes
    arms: tuple[str, ...] = ARMS
    seeds: tuple[int, ...] = tuple(range(5))


def jobs_of(runs: Runs, seed: int, *arms: str) -> list[Job]:
    """Return a job for every arm of a seed, or for some arms."""
    return [
        Job(f"{runs.name}-{arm.replace(' ', '')}-{seed}", partial(_judged, runs.build, arm, seed))
        for arm in arms or runs.arms
    ]


def _judged(build: Callable[[int], Experiment], arm: str, seed: int, device: str) -> Scores:
    experiment = build(seed)
    project = project_of(experiment, arm, seed)
    sites = tuple(replace(site, device=device) for site in experiment.sites)
    found = [judged(experiment, state) for state in trained(sites, experiment.start, project, arm)]
    return mean_scores(found)


def trained(
    sites: Sequence[SiteData[SegmentData]], start: State, project: Project, arm: str
) -> Sequence[State]:
    """Return the models of an arm: one, or one of each site."""
    if arm == "each alone":
        return [train_alone(project, site, start, project.epochs) for site in sites]
    if arm.startswith("pooled"):
        return [train_pooled(project, sites, start, project.epochs)]
    return [train_together(project, sites, start).outcome.model]


def project_of(experiment: Experiment, arm: str, seed: int) -> Project:
    """Return the federation of an arm."""
    budget = experiment.budget
    batch = BATCH if arm.startswith("pooled") else max(BATCH // len(experiment.sites), 1)
    more = arm.rpartition(" + ")[2] if " + " in arm else "off"
    share = more if more in ("statistics", "spectrum") else "off"
    plan = Federation(
        task="segments",
        seed=seed,
        training=TrainingSettings(
            warmup_epochs=budget.warmup,
            epochs=budget.epochs,
            batch=batch,
            learning_rate=2e-3,
            precision=FAST,
            fixed_statistics=more == "fixed",
        ),
        federation=FederationSettings(
            aggregation="fedavg", schedule="sync", barriers=budget.barriers, workers=1
        ),
        style=StyleSettings(share=cast(Literal["off", "statistics", "spectrum"], share)),
        sites=tuple(SiteSettings(name=site.name, runs=("-",), labels="-") for site in experiment.sites),
    )
    settings = SegmentsSettings(names=experiment.names, drawn=DRAWN if more == "drawn" else 0.0)
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
