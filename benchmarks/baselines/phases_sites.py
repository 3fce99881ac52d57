"""Three sites, each of which has never seen one of the phases: alone, together, pooled."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

import numpy as np

from baselines.phases_judging import COLUMNS, SETTINGS, Measured, Score, rows
from baselines.phases_patterns import SEEDS, TASK, drawn, simulate
from fedbragg.config import Federation, FederationSettings, SiteSettings, TrainingSettings
from fedbragg.simulation.powder import SHIPPED
from fedbragg.tasks.phases.data import PhaseData
from fedbragg.tasks.phases.learner import PhaseTraining
from fedbragg.tasks.phases.settings import OneSided, PhasesSettings
from fedbragg.tasks.phases.task import PhasesTask
from fedbragg.workflows.federate import Project, train_alone, train_pooled, train_together
from fedbragg.workflows.site_data import SiteData
from harness import Table

SITE_PATTERNS = (600, 300, 150)
PUBLIC, PUBLIC_EPOCHS = 300, 20
ONE_SIDED: dict[OneSided, str] = {"learn": ", learns absent", "ignore": ""}


def federated(measured: dict[str, Measured]) -> Table:
    """Train three sites, each of which has never seen one of the phases, from random weights."""
    return _three_sites(measured, 0, "Three sites, each lacking one phase, from random weights")


def from_public(measured: dict[str, Measured]) -> Table:
    """Train the same sites from a model trained on a few public simulated patterns."""
    return _three_sites(measured, PUBLIC, "Three sites, each lacking one phase, from a public start")


def _three_sites(measured: dict[str, Measured], public: int, question: str) -> Table:
    scores: dict[str, list[Score]] = {}
    for seed in SEEDS:
        for name, state in _federated_states(seed, public).items():
            scores.setdefault(name, []).append(_score(state))
        print(f"{question}: seed {seed}", file=sys.stderr, flush=True)
    listed = [line for name, score in scores.items() for line in rows(name, measured, score)]
    start = f"start of {public} public patterns, {PUBLIC_EPOCHS} epochs" if public else "random start"
    notes = [
        f"Sites hold {SITE_PATTERNS} simulated patterns and have never seen bastnaesite, calcite and rhenium in turn; "
        f"{start}, hybrid schedule, 4 warm-up epochs, 5 barriers of 2 epochs; alone and pooled train as many "
        "epochs. Judged by measured patterns.",
        '"Learns absent": a site learns that a phase it never saw is absent; otherwise it learns nothing of it.',
    ]
    return Table(question, COLUMNS, listed, notes)


def _score(state: dict[str, np.ndarray]) -> Score:
    return lambda data: TASK.probabilities(state, data)


def _federated_states(seed: int, public: int) -> dict[str, dict[str, np.ndarray]]:
    start = TASK.pretrain(drawn(public, seed) if public else None, PUBLIC_EPOCHS, seed)
    sites, masked = _sites(seed), _project(seed, "fedkl", "ignore")
    states = {"start": start, "pooled": train_pooled(masked, sites, start, masked.epochs)}
    for one_sided, said in ONE_SIDED.items():
        project = _project(seed, "fedkl", one_sided)
        for site in sites:
            states[f"{site.name}, alone{said}"] = train_alone(project, site, start, project.epochs)
        for rule in ("fedavg", "fedkl"):
            together = train_together(_project(seed, rule, one_sided), sites, start)
            states[f"{rule}{said}"] = together.outcome.model
    return states


def _sites(seed: int) -> list[SiteData[PhaseData]]:
    return [SiteData(f"no-{SHIPPED[k]}", data, data[:20]) for k, data in enumerate(_site_patterns(seed))]


@lru_cache(maxsize=len(SEEDS))
def _site_patterns(seed: int) -> tuple[PhaseData, ...]:
    return tuple(simulate(n, 500 + 10 * seed + k, never=[k]) for k, n in enumerate(SITE_PATTERNS))


def _project(seed: int, rule: str, one_sided: OneSided) -> Project:
    training = PhaseTraining(TASK.lines, SETTINGS, one_sided=one_sided)
    return Project(_plan(seed, rule), PhasesTask(training, PhasesSettings(one_sided=one_sided)), Path())


def _plan(seed: int, rule: str) -> Federation:
    return Federation(
        task="phases",
        seed=seed,
        training=TrainingSettings(warmup_epochs=4, epochs=2, batch=32, learning_rate=2e-3),
        federation=FederationSettings(aggregation=rule, barriers=5, workers=1),
        sites=tuple(SiteSettings(name=f"no-{name}", runs=("-",), labels="-") for name in SHIPPED),
    )
