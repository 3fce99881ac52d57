"""Train one model with all the sites of a settings file: sites' data in, one model out, for any task."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from fedbragg.config import Federation, load
from fedbragg.errors import ConfigError
from fedbragg.extras import require
from fedbragg.federation import FederationOutcome, ProgressEvent, RecordingSettings
from fedbragg.federation import federate as run_engine
from fedbragg.federation.engines.recorder import ProgressListener
from fedbragg.federation.networks import networks_of
from fedbragg.federation.plan import check_settings
from fedbragg.federation.privacy_ledger import within_budget
from fedbragg.federation.private_training import private_terms, promise
from fedbragg.federation.rules import rule_of
from fedbragg.federation.trainer import Trainer
from fedbragg.federation.veto import Standard, Veto
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.base import LocalTermsTask, PrivateTask, StyledTask, Task, headline_score
from fedbragg.tasks.networks import NetworksTask
from fedbragg.tasks.registry import open_task
from fedbragg.tasks.site import TaskSite
from fedbragg.types import State
from fedbragg.version import __version__
from fedbragg.workflows.folder import make_folder
from fedbragg.workflows.networks import SiteNetworks, site_networks, with_all_named
from fedbragg.workflows.site_data import SiteData, read_site
from fedbragg.workflows.site_evaluator import Metrics, SiteEvaluator

HISTORY, CHECKPOINTS = "history.json", "checkpoints"


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """A federation's settings, checked, with the task that they name."""

    settings: Federation
    task: Task[Any]
    folder: Path  # where relative paths in the settings start

    @property
    def networks(self) -> SiteNetworks:
        """Return the networks of the sites."""
        return site_networks(self.settings, self.task)

    @property
    def epochs(self) -> int:
        """Return how many epochs a site trains in the whole federation."""
        training = self.settings.training
        return training.warmup_epochs + training.epochs * (self.settings.federation.barriers - 1)


@dataclass(frozen=True, slots=True)
class Watching:
    """Callbacks of a running federation, and the folder of its checkpoints."""

    progress: Progress = SILENT
    listener: ProgressListener | None = None
    checkpoints: Path | None = None
    title: str = "Federation"


@dataclass(frozen=True, slots=True, eq=False)
class Federated:
    """A federation that has ended."""

    project: Project
    sites: Sequence[SiteData[Any]]
    outcome: FederationOutcome
    metrics: Mapping[str, Metrics]  # of the final model on each site's held-out examples


def open_project(path: Path, engine: str | None = None) -> Project:
    """Read and check a settings file; raise ConfigError or MissingExtraError for any setting that would fail later.

    ``engine`` replaces the one that the file names.
    """
    settings = load(path)
    if engine is not None:
        rules = settings.federation.model_copy(update={"engine": engine})
        settings = settings.model_copy(update={"federation": rules})
    if settings.federation.engine == "nvflare":
        require("federate", "a federation of real sites")
    # Paths in the settings mean nothing on the machines of real sites.
    folder = path.parent if settings.federation.engine == "local" else None
    check_settings(settings, str(path))
    try:
        task = open_task(settings, folder)
        settings = with_all_named(settings, task)
    except ConfigError as error:
        raise ConfigError(f"{path} {error}") from None
    return checked(Project(settings, task, path.parent), str(path))


def trained_on(project: Project, device: str) -> Project:
    """Return a project whose sites train on a device; None keeps each site's own. Raise ConfigError without it."""
    if not device:
        return project
    from fedbragg.learn.device import open_device

    if project.settings.federation.engine != "local":
        raise ConfigError("--device: real sites choose for themselves, by [limits] gpu of their own files.")
    open_device(device)
    sites = tuple(site.model_copy(update={"device": device}) for site in project.settings.sites)
    return replace(project, settings=project.settings.model_copy(update={"sites": sites}))


def checked(project: Project, source: str) -> Project:
    """Return a project whose settings fit each other and the task; ``source`` begins the message of a ConfigError."""
    check_settings(project.settings, source)
    try:
        _check_style(project.settings, project.task)
        _check_rule(project.settings, project.task)
        _check_private(project)
    except ConfigError as error:
        raise ConfigError(f"{source} {error}") from None
    return project


def _check_style(settings: Federation, task: Task[Any]) -> None:
    if settings.style.share != "off" and not isinstance(task, StyledTask):
        raise ConfigError(f'[style]: the task {task.name} has no style to share; set share = "off".')


def _check_rule(settings: Federation, task: Task[Any]) -> None:
    if rule_of(settings.federation).acts_at_sites and not isinstance(task, LocalTermsTask):
        name = settings.federation.aggregation
        raise ConfigError(
            f"[federation]: {name} changes the sites' training, which the task {task.name} does not allow."
        )


def _check_private(project: Project) -> None:
    task = project.task
    if private_terms(project.settings) is None:
        return
    if isinstance(task, NetworksTask):
        for network in project.networks.names:
            if network not in task.private_networks:
                fitting = " or ".join(task.private_networks)
                raise ConfigError(
                    f"[privacy]: the network {network} cannot be trained with noise; use {fitting}."
                )
    if not isinstance(task, PrivateTask):
        raise ConfigError(
            f"[privacy]: the task {task.name} cannot be trained with noise; hits can. The networks of tags and "
            "segments keep statistics of the images (BatchNorm), which no noise covers. Leave epsilon out."
        )


def federate(
    project: Project, out: Path, *, resume: bool = False, watching: Watching | None = None
) -> Federated:
    """Train one model with all the sites of a settings file, in this process.

    Writes out/model.onnx and out/history.json. With ``resume`` the federation continues from the last barrier in
    out/checkpoints; it starts there if there is none.
    """
    watching = replace(watching or Watching(), checkpoints=out / CHECKPOINTS)
    check_data(project.settings)
    make_folder(out)
    if not resume:
        shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    sites = read_sites(project, watching.progress)
    start = project.networks.start_model(project.settings.seed, watching.progress)
    federated = train_together(project, sites, start, watching)
    write_results(out, project, federated.outcome)
    return federated


def check_data(settings: Federation) -> None:
    """Raise ConfigError where the settings name no data of a site, as they do for real sites."""
    for site in settings.sites:
        if not (site.runs and site.labels):
            raise ConfigError(
                f"site {site.name} has no runs and labels; give both, or --engine nvflare --kit KIT."
            )


def read_sites(project: Project, progress: Progress = SILENT) -> list[SiteData[Any]]:
    """Read every site's labelled examples."""
    share = project.settings.training.validation_share
    return [
        read_site(project.task, site, project.folder, share, _Titled(progress, site.name))
        for site in project.settings.sites
    ]


def train_together(
    project: Project, sites: Sequence[SiteData[Any]], initial: State, watching: Watching | None = None
) -> Federated:
    """Run the federation over sites in this process."""
    watching = watching or Watching()
    evaluator = SiteEvaluator(project.networks, sites)
    ensemble = project.networks.ensemble(project.settings.seed, watching.progress)
    barriers = watching.progress.stage(watching.title, project.settings.federation.barriers)

    def listen(event: ProgressEvent) -> None:
        if event.event == "barrier":
            barriers(f"{watching.title}, loss {event.loss:.3f}")
        if watching.listener is not None:
            watching.listener(event)

    outcome = run_engine(
        project.settings,
        [careful_trainer(project, site) for site in sites],
        initial,
        recording=RecordingSettings(listen, evaluator.headline, watching.checkpoints),
        ensemble=ensemble,
    )
    return Federated(project, sites, outcome, evaluator(outcome.model))


def trainer_of(project: Project, site: SiteData[Any]) -> TaskSite[Any]:
    """Return a site as the federation sees it."""
    settings = project.settings
    style = settings.style.share if site.share_style else "off"
    terms = rule_of(settings.federation).local_terms(settings.federation)
    training = (settings.training, settings.seed, site.speed, site.device)
    task = project.networks.task_of(site.name)
    trainer = TaskSite(site.name, task, site.train, *training, style, terms)
    return replace(trainer, private=private_terms(settings))


def careful_trainer(project: Project, site: SiteData[Any]) -> Trainer:
    """Return a site that keeps to its budget of epsilon, and judges models where it has a standard."""
    trainer = within_budget(project.settings, trainer_of(project, site))
    if site.largest_fall is None:
        return trainer
    judge = partial(headline_score, project.networks.task_of(site.name), site.held_out)
    return Veto(judge, Standard(site.largest_fall)).over(trainer)


def train_alone(project: Project, site: SiteData[Any], initial: State, epochs: int) -> State:
    """Train on one site's examples alone, for as many epochs as it would have had in the federation."""
    changed = trainer_of(project, site).train(initial, 0, epochs).tensors
    return {name: initial[name] + changed[name] for name in initial}


def train_pooled(project: Project, sites: Sequence[SiteData[Any]], initial: State, epochs: int) -> State:
    """Train on all sites' examples in one place, to compare with: a federation cannot do this."""
    join = project.task.concatenate
    train, held_out = join([site.train for site in sites]), join([site.held_out for site in sites])
    pool = SiteData("pooled", train, held_out, device=sites[0].device)
    return train_alone(project, pool, initial, epochs)


def write_results(out: Path, project: Project, outcome: FederationOutcome) -> None:
    """Write the model file, one for each network where sites differ, and the history."""
    networks = project.networks
    for name, (task, state) in networks.files(outcome.model).items():
        task.export(state, out / name, provenance(project.settings, task, outcome))
    history = {"ended": outcome.reason, "barriers": outcome.barriers, "history": outcome.history}
    if networks.differ:
        history |= {"networks": networks.of_sites, "models": networks.model_names}
    (out / HISTORY).write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")


def provenance(settings: Federation, task: Task[Any], outcome: FederationOutcome) -> dict[str, Any]:
    """Return the model's provenance, without the paths of the sites' data."""
    unsaid = {"runs", "labels"} | (set() if networks_of(settings) else {"network"})
    hidden: Any = {"server": True, task.name: True, "sites": {"__all__": unsaid}}
    return {
        "fedbragg": __version__,
        "settings": {**settings.model_dump(mode="json", exclude=hidden), task.name: dict(task.options)},
        "barriers": outcome.barriers,
        "ended": outcome.reason,
        **({"privacy": promise(settings)} if settings.privacy.private else {}),
    }


@dataclass(frozen=True, slots=True)
class _Titled:
    """Begin every stage's title with a site's name."""

    progress: Progress
    name: str

    def stage(self, title: str, total: int | None = None) -> Any:
        return self.progress.stage(f"{self.name}: {title.lower()}", total)
