"""The program that holds a real site's data: it reads them for the federation's task and trains on them."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from fedbragg.federation import FederationOutcome
from fedbragg.federation.engines.remote.worker import LoadedSite, main
from fedbragg.federation.engines.remote.worker_messages import Load
from fedbragg.progress import SILENT
from fedbragg.tasks.base import evaluate, headline_score
from fedbragg.tasks.registry import open_task
from fedbragg.types import State
from fedbragg.workflows.federate import Project, provenance, trainer_of
from fedbragg.workflows.site_data import read_site

COMMAND = (sys.executable, "-m", "fedbragg.workflows.site_worker")


def load_site(order: Load) -> LoadedSite:
    """Read this site's data."""
    settings, folder = order.federation(), Path(order.folder)
    task, (site,) = open_task(settings, None), settings.sites
    data = read_site(task, site, folder, settings.training.validation_share, SILENT)

    def export(model: State, out: Path) -> str:
        outcome = FederationOutcome(model, [], settings.federation.barriers, "finished")
        task.export(model, out, provenance(settings, task, outcome))
        headline = task.headlines[0]
        metric = evaluate(task, model, data.held_out)[headline]
        return f"{headline} {metric} on this site's held-out {task.unit}s"

    trainer = replace(trainer_of(Project(settings, task, folder), data), secret_noise=True)
    return LoadedSite(settings, trainer, export, partial(headline_score, task, data.held_out))


if __name__ == "__main__":
    main(load_site)
