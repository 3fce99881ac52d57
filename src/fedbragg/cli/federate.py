"""``fedbragg federate``: train one model with all sites of a settings file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fedbragg.cli.show import say
from fedbragg.errors import ConfigError

if TYPE_CHECKING:
    from fedbragg.federation import ProgressEvent
    from fedbragg.workflows.federate import Federated, Project

Engine = Literal["local", "nvflare"]


def federate(
    settings: Annotated[Path, typer.Argument(metavar="FEDERATION.TOML", help="Settings of the federation.")],
    out: Annotated[Path, typer.Option(help="Folder for the model, its history and the report.")] = Path(
        "federation"
    ),
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the last barrier that OUT holds.")
    ] = False,
    engine: Annotated[
        Engine | None, typer.Option(help="Sites in this process, or real ones.", show_default="the settings'")
    ] = None,
    kit: Annotated[
        Path | None, typer.Option(metavar="KIT", help="The coordinator's kit, for real sites.")
    ] = None,
    device: Annotated[
        str,
        typer.Option(help="Where all sites train: cpu, cuda, cuda:N, or auto.", show_default="the settings'"),
    ] = "",
) -> int:
    """Train one model with all the sites; no image leaves its site.

    Writes OUT/model.onnx (the model with its settings and provenance), OUT/history.json and OUT/report.html. With the
    local engine, the same settings and data give the same numbers again. With real sites the federation keeps running
    at the server if this command is ended; --resume finds it there.
    """
    from fedbragg.workflows.federate import open_project, trained_on

    project = trained_on(open_project(settings, engine), device)
    if project.settings.privacy.private:
        from fedbragg.federation.private_training import promise

        say(f"privacy  {promise(project.settings)}")
    if project.settings.federation.engine == "nvflare":
        return _federate_real_sites(project, out, kit, resume=resume)
    return _federate_here(project, out, resume=resume)


def _federate_here(project: Project, out: Path, *, resume: bool) -> int:
    from fedbragg.progress import bars
    from fedbragg.workflows.federate import Watching, federate
    from fedbragg.workflows.federation_report import sections, write_report

    with bars() as progress:
        watching = Watching(progress, report_failure)
        federated = federate(project, out, resume=resume, watching=watching)
    write_report(out, federated.project, sections(federated))
    show_sites(federated)
    return _written(federated.outcome.reason, out, project)


def _federate_real_sites(project: Project, out: Path, kit: Path | None, *, resume: bool) -> int:
    from fedbragg.cli.real_sites import run_real_sites
    from fedbragg.report.federation import history_section
    from fedbragg.workflows.federate import write_results
    from fedbragg.workflows.federation_report import write_report
    from fedbragg.workflows.folder import make_folder

    if kit is None:
        raise ConfigError("real sites need the coordinator's kit; give --kit KIT.")
    make_folder(out)
    outcome = run_real_sites(project.settings, kit, resume=resume)
    write_results(out, project, outcome)
    write_report(out, project, [history_section(outcome.history, project.task.headlines[0])])
    return _written(outcome.reason, out, project)


def show_sites(federated: Federated) -> None:
    """Print how good the model is at each site."""
    headlines, networks = federated.project.task.headlines, federated.project.networks
    heads = "".join(f"{name:<23}" for name in headlines)
    say(f"{'site':<12} {'trained on':>10}   {heads}(held-out examples, 95 % intervals)")
    for site in federated.sites:
        metrics = federated.metrics[site.name]
        shown = "".join(f"{metrics[name]!s:<23}" for name in headlines) + networks.of_sites.get(site.name, "")
        say(f"{site.name:<12} {len(site.train):>10}   {shown.rstrip()}")


def report_failure(event: ProgressEvent) -> None:
    """Print the problem of a site."""
    if event.event in ("failed", "rejected", "vetoed", "left"):
        say(f"{event.site}: {event.event}: {event.reason}")
    elif event.event == "withdrawn":
        say(f"model withdrawn, because most sites refused it: {', '.join(event.sites)}")


def _written(reason: str, out: Path, project: Project) -> int:
    from fedbragg.workflows.federate import HISTORY
    from fedbragg.workflows.federation_report import REPORT

    say(f"ended    {reason}")
    models = project.networks.model_names
    for network, name in models.items():
        default = ", the default" if name == next(iter(models.values())) else ""
        if len(models) > 1:
            say(f"network  {network}: {name}{default}")
    say(f"written  {', '.join(str(out / name) for name in (*models.values(), HISTORY, REPORT))}")
    return 0
