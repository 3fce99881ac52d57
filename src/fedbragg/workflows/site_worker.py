"""The process at a real site that holds its data: it reads them for the federation's task and trains on them."""

from __future__ import annotations

import sys
from pathlib import Path

from fedbragg.config import Federation, SiteSettings
from fedbragg.federation import FederationOutcome
from fedbragg.federation.engines.remote.worker import LoadedSite, Order, main
from fedbragg.progress import SILENT
from fedbragg.tasks.registry import open_task
from fedbragg.types import State
from fedbragg.workflows.federate import Project, provenance, trainer_of
from fedbragg.workflows.site_data import read_site

COMMAND = (sys.executable, "-m", "fedbragg.workflows.site_worker")


def make(order: Order) -> LoadedSite:
    """Read this site's data; the order holds the federation's terms and the site's own file."""
    site = SiteSettings.model_validate(order["site"])
    settings = Federation.model_validate({**order["terms"], "sites": [site]})
    task, folder = open_task(settings, None), Path(order["folder"])
    data = read_site(task, site, folder, settings.training.validation_share, SILENT)

    def finish(model: State, out: Path) -> str:
        ended = FederationOutcome(model, [], settings.federation.barriers, "finished")
        task.export(model, out, provenance(settings, task, ended))
        first = task.headlines[0]
        return f"{first} {task.evaluate(model, data.held_out)[first]} on this site's held-out {task.unit}s"

    return LoadedSite(settings, trainer_of(Project(settings, task, folder), data), finish)


if __name__ == "__main__":
    main(make)
