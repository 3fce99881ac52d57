"""Three sites, each of which has never seen one of the phases: alone, together, pooled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from baselines.phases_judging import COLUMNS, SETTINGS, Measured, Score, rows
from baselines.phases_patterns import SEEDS, TASK, drawn, simulate
from fedbragg.config import Federation, FederationSettings, SiteSettings, TrainingSettings
from fedbragg.learn.settings import PACKAGED_RATE
from fedbragg.models.onnx_file import read_state
from fedbragg.simulation.powder import SHIPPED
from fedbragg.tasks.phases import default_model
from fedbragg.tasks.phases.data import PhaseData
from fedbragg.tasks.phases.learner import PhaseTraining
from fedbragg.tasks.phases.settings import OneSided, PhasesSettings
from fedbragg.tasks.phases.task import PhasesTask
from fedbragg.types import State
from fedbragg.workflows.federate import Project, train_alone, train_pooled, train_together
from fedbragg.workflows.site_data import SiteData
from harness import Table

SITE_PATTERNS = (600, 300, 150)
PUBLIC, PUBLIC_EPOCHS = 300, 20
ONE_SIDED: dict[OneSided, str] = {"learn": ", learns absent", "ignore": ""}


@dataclass(frozen=True, slots=True)
class Start:
    """A model that the sites start from, and the rate at which they train it."""

    words: str
    state: Callable[[int], State]  # from a seed
    learning_rate: float = 2e-3


def _random(seed: int) -> State:
    return TASK.pretrain(None, PUBLIC_EPOCHS, seed)


def _public(seed: int) -> State:
    return TASK.pretrain(drawn(PUBLIC, seed), PUBLIC_EPOCHS, seed)


def _packaged(seed: int) -> State:
    return read_state(default_model())


def federated(measured: dict[str, Measured]) -> Table:
    """Train three sites, each of which has never seen one of the phases, from random weights."""
    return _three_sites(
        measured, Start("random start", _random), "Three sites, each lacking one phase, from random weights"
    )


def from_public(measured: dict[str, Measured]) -> Table:
    """Train the same sites from a model trained on a few public simulated patterns."""
    start = Start(f"start of {PUBLIC} public patterns, {PUBLIC_EPOCHS} epochs", _public)
    return _three_sites(measured, start, "Three sites, each lacking one phase, from a public start")


def from_packaged(measured: dict[str, Measured]) -> Table:
    """Train the same sites from the packaged model, as slowly as a federation does by default."""
    start = Start(f"start of the packaged model, learning rate {PACKAGED_RATE:g}", _packaged, PACKAGED_RATE)
    return _three_sites(measured, start, "Three sites, each lacking one phase, from the packaged model")


def _three_sites(measured: dict[str, Measured], start: Start, question: str) -> Table:
    scores: dict[str, list[Score]] = {}
    for seed in SEEDS:
        for name, state in _federated_states(seed, start).items():
            scores.setdefault(name, []).append(_score(state))
        print(f"{question}: seed {seed}", file=sys.stderr, flush=True)
    listed = [line for name, score in scores.items() for line in rows(name, measured, score)]
    notes = [
        f"Sites hold {SITE_PATTERNS} simulated patterns and have never seen bastnaesite, calcite and rhenium in turn; "
        f"{start.words}, hybrid schedule, 4 warm-up epochs, 5 barriers of 2 epochs; alone and pooled train as many "
        "epochs. Judged by measured patterns.",
        '"Learns absent": a site learns that a phase it never saw is absent; otherwise it learns nothing of it.',
    ]
    return Table(question, COLUMNS, listed, notes)


def _score(state: State) -> Score:
    return lambda data: TASK.probabilities(state, data)


def _federated_states(seed: int, start: Start) -> dict[str, State]:
    rate, state = start.learning_rate, start.state(seed)
    sites, masked = _sites(seed), _project(_plan(seed, "fedkl", rate), "ignore")
    states = {"start": state, "pooled": train_pooled(masked, sites, state, masked.epochs)}
    for one_sided, said in ONE_SIDED.items():
        project = _project(_plan(seed, "fedkl", rate), one_sided)
        for site in sites:
            states[f"{site.name}, alone{said}"] = train_alone(project, site, state, project.epochs)
        for rule in ("fedavg", "fedkl"):
            together = train_together(_project(_plan(seed, rule, rate), one_sided), sites, state)
            states[f"{rule}{said}"] = together.outcome.model
    return states


def _sites(seed: int) -> list[SiteData[PhaseData]]:
    return [SiteData(f"no-{SHIPPED[k]}", data, data[:20]) for k, data in enumerate(_site_patterns(seed))]


@lru_cache(maxsize=len(SEEDS))
def _site_patterns(seed: int) -> tuple[PhaseData, ...]:
    return tuple(simulate(n, 500 + 10 * seed + k, never=[k]) for k, n in enumerate(SITE_PATTERNS))


def _project(plan: Federation, one_sided: OneSided) -> Project:
    training = PhaseTraining(TASK.lines, SETTINGS, one_sided=one_sided)
    return Project(plan, PhasesTask(training, PhasesSettings(one_sided=one_sided)), Path())


def _plan(seed: int, rule: str, learning_rate: float) -> Federation:
    return Federation(
        task="phases",
        seed=seed,
        training=TrainingSettings(warmup_epochs=4, epochs=2, batch=32, learning_rate=learning_rate),
        federation=FederationSettings(aggregation=rule, barriers=5, workers=1),
        sites=tuple(SiteSettings(name=f"no-{name}", runs=("-",), labels="-") for name in SHIPPED),
    )
