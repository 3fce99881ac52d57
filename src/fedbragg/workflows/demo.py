"""The demonstration: five simulated facilities train one model; it is compared and screens the run of a sixth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fedbragg.config import Federation, SiteSettings
from fedbragg.federation.engines.recorder import ProgressListener
from fedbragg.images import read_labels
from fedbragg.metrics.classification import confusion
from fedbragg.metrics.estimate import Estimate
from fedbragg.progress import SILENT, Progress
from fedbragg.report.federation import comparison_section, confusion_section
from fedbragg.report.joining import Worth, worth_section
from fedbragg.report.page import PageSection, page
from fedbragg.report.screening import sections as screening_sections
from fedbragg.screening.outputs.requested import Outputs
from fedbragg.screening.outputs.tables import verdicts_in
from fedbragg.screening.session import Outcome
from fedbragg.tasks.base import Dataset, evaluate
from fedbragg.tasks.hits import open_model
from fedbragg.types import State
from fedbragg.workflows import federation_report
from fedbragg.workflows.cores import number_of_threads
from fedbragg.workflows.facilities import (
    RUN,
    SITES,
    UNSEEN,
    judging_runs,
    settings_text,
    write_facility,
)
from fedbragg.workflows.federate import (
    Federated,
    Project,
    Watching,
    open_project,
    read_sites,
    train_alone,
    train_pooled,
    train_together,
    write_results,
)
from fedbragg.workflows.folder import make_folder
from fedbragg.workflows.joining_worth import Rivals, SiteTests, worth
from fedbragg.workflows.networks import MODEL
from fedbragg.workflows.screen import Screening, begin, screen_run
from fedbragg.workflows.simulate import LABELS

TEST_FRAMES = 50
"""Frames of each facility with its own artefacts on which the models are compared, and as many with the others'."""
LEAD = (
    "Five simulated facilities trained one model without sharing a frame: {way} The page shows what joining was worth "
    "to each of them, compares other ways to train, and screens the run of a sixth, whose detector none of them has."
)
Comparison = Mapping[str, Mapping[str, Estimate]]
"""Every metric of every model."""


@dataclass(frozen=True, slots=True, eq=False)
class Demonstration:
    """The results of the demonstration."""

    federated: Federated
    comparison: Comparison
    where: str  # the frames on which the models were compared
    worth: Sequence[Worth]  # of joining, to each site
    screened: Outcome  # of the sixth facility's run


def demonstrate(
    out: Path, seed: int, progress: Progress = SILENT, listener: ProgressListener | None = None
) -> Demonstration:
    """Run the whole demonstration into a folder; the same seed gives the same numbers."""
    make_folder(out)
    settings = out / "federation.toml"
    settings.write_text(settings_text(seed), encoding="utf-8")
    project = open_project(settings)
    simulate_facilities(out, seed, progress)
    sites, tests = read_sites(project, progress), read_tests(project, out, progress)
    public = project.task.start_model(seed, progress)
    watching = Watching(progress, listener, title="FedKL, hybrid")
    federated = train_together(project, sites, public, watching)
    write_results(out, project, federated.outcome)
    alone = train_each_alone(federated, public, watching)
    others = {"public simulation only": public, **train_others(federated, public, watching)}
    found = worth(
        project.task,
        Rivals(federated.outcome.model, alone),
        tests,
        {site.name: len(site.train) for site in sites},
        seed,
    )
    comparison = compare(federated, others | {f"{name} alone": state for name, state in alone.items()}, tests)
    write_comparison(out / "comparison.json", comparison)
    where = f"{2 * TEST_FRAMES * len(SITES)} new frames of all {len(SITES)} sites"
    headline = project.task.headlines[0]
    first = [worth_section(found, headline), comparison_section(comparison, where, headline)]
    screened = screen_unseen(out, [*first, *federation_report.sections(federated)], project, progress)
    return Demonstration(federated, comparison, where, found, screened)


def simulate_facilities(out: Path, seed: int, progress: Progress) -> None:
    """Write every facility's run, its test run, and the unseen run, each from its own seed."""
    runs = [(site, out / "sites" / site.name) for site in SITES]
    runs += [
        (test, out / "tests" / site.name / name)
        for site in SITES
        for name, test in judging_runs(site, TEST_FRAMES).items()
    ]
    runs += [(UNSEEN, out / UNSEEN.name)]
    step = progress.stage("Simulating six facilities", sum(facility.frames for facility, _ in runs))
    for number, (facility, folder) in enumerate(runs):
        write_facility(facility, folder, 1000 * (seed + 1) + number, step)


def read_tests(project: Project, out: Path, progress: Progress) -> dict[str, SiteTests]:
    """Read every site's test runs."""

    def read(site: SiteSettings, name: str) -> Dataset:
        folder = f"tests/{site.name}/{name}"
        runs = {"runs": (f"{folder}/{RUN}",), "labels": f"{folder}/{LABELS}"}
        data: Dataset = project.task.read(site.model_copy(update=runs), out, progress)
        return data

    sites = project.settings.sites
    return {site.name: SiteTests(read(site, "own"), read(site, "others")) for site in sites}


def train_each_alone(federated: Federated, public: State, watching: Watching) -> dict[str, State]:
    """Train a model at each site, from the same start and for as many epochs as in the federation."""
    project, sites = federated.project, federated.sites
    step, models = watching.progress.stage("Each site alone", len(sites)), {}
    for site in sites:
        models[site.name] = train_alone(project, site, public, project.epochs)
        step()
    return models


def train_others(federated: Federated, public: State, watching: Watching) -> dict[str, State]:
    """Train with FedAvg and on all data pooled, from the same start and for as many epochs."""
    project, sites = federated.project, federated.sites
    fedavg = train_together(_with_fedavg(project), sites, public, replace(watching, title="FedAvg"))
    step = watching.progress.stage("All data pooled", 1)
    pooled = train_pooled(project, sites, public, project.epochs)
    step()
    return {"FedAvg (sync, by size)": fedavg.outcome.model, "all data pooled": pooled}


def _with_fedavg(project: Project) -> Project:
    settings: Federation = project.settings
    way = settings.federation.model_copy(update={"aggregation": "fedavg", "schedule": "sync"})
    return replace(project, settings=settings.model_copy(update={"federation": way}))


def compare(federated: Federated, others: Mapping[str, State], tests: Mapping[str, SiteTests]) -> Comparison:
    """Evaluate the federation's model and others on the tests of all sites together."""
    task, rules = federated.project.task, federated.project.settings.federation
    models = {f"federation ({rules.aggregation})": federated.outcome.model, **others}
    examples: Dataset = task.concatenate([part for one in tests.values() for part in (one.own, one.others)])
    return {name: evaluate(task, state, examples) for name, state in models.items()}


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Write the comparison as JSON: model, metric, value and interval."""
    rows: dict[str, Any] = {
        name: {metric: [e.value, e.low, e.high] for metric, e in metrics.items()}
        for name, metrics in comparison.items()
    }
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def screen_unseen(out: Path, before: Sequence[PageSection], project: Project, progress: Progress) -> Outcome:
    """Screen the unseen run with the model file just written, and write the report with it."""
    predictor = open_model(out / MODEL)
    screening = Screening(predictor, predictor.card.threshold, out, number_of_threads(0), Outputs())
    run, session = begin([str(out / UNSEEN.name / RUN)], screening, resume=False)
    outcome = screen_run(run, screening, session, progress)
    sections = [_confusion(out, screening.threshold), *screening_sections(outcome, run, predictor)]
    lead = LEAD.format(way=federation_report.lead(project))
    text = page("fedbragg demonstration", lead, [*before, *sections])
    (out / federation_report.REPORT).write_text(text, encoding="utf-8")
    return outcome


def _confusion(out: Path, threshold: float) -> PageSection:
    scores = [1.0 if verdict.score is None else verdict.score for verdict in verdicts_in(out)]
    table = read_labels(out / UNSEEN.name / LABELS)
    labels = [table.label(out / UNSEEN.name / RUN, index) for index in range(len(scores))]
    positive = np.array([label is not None and label.positive for label in labels], dtype=bool)
    where = f"the unseen run, {len(scores)} frames of a detector that no site has"
    return confusion_section(confusion(positive, np.array(scores) >= threshold), where)
