"""``fedbragg federate``: train one model with all sites of a settings file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fedbragg.cli.folder import make_folder
from fedbragg.cli.show import Bar, bars, say
from fedbragg.errors import ConfigError

if TYPE_CHECKING:
    from fedbragg.config import Federation
    from fedbragg.federation import FederationOutcome
    from fedbragg.federation import ProgressEvent as Told
    from fedbragg.federation.training import SiteFrames
    from fedbragg.report.page import Section
    from fedbragg.types import State

Engine = Literal["local", "nvflare"]
MODEL, HISTORY, REPORT, CHECKPOINTS = "model.onnx", "history.json", "report.html", "checkpoints"


def federate(
    settings: Annotated[Path, typer.Argument(metavar="FEDERATION.TOML", help="Settings of the federation.")],
    out: Annotated[Path, typer.Option(help="Folder for the model, its history and the report.")] = Path(
        "federation"
    ),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last barrier that OUT holds.")
    ] = False,
    engine: Annotated[
        Engine | None, typer.Option(help="Sites in this process, or real ones.", show_default="the settings'")
    ] = None,
    kit: Annotated[
        Path | None, typer.Option(metavar="KIT", help="The coordinator's kit, for real sites.")
    ] = None,
) -> int:
    """Train one model with all the sites; no image leaves its site.

    Writes OUT/model.onnx (the model with its settings and provenance), OUT/history.json and OUT/report.html. With the
    local engine, the same settings and data give the same numbers again. With real sites the federation goes on at
    the server if this command is ended; --resume finds it there.
    """
    from fedbragg.config import load
    from fedbragg.federation.plan import check_settings

    plan = load(settings)
    check_settings(plan, str(settings))
    make_folder(out)
    if (engine or plan.federation.engine) == "nvflare":
        return _federate_real_sites(plan, out, kit, resume=resume)
    return _federate_here(plan, settings.parent, out, resume=resume)


def _federate_here(plan: Federation, folder: Path, out: Path, *, resume: bool) -> int:
    from fedbragg.report.page import page

    if not resume:
        shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    sites = read_sites(plan, folder)
    start = start_model(plan)
    outcome = run_federation(plan, sites, start, out / CHECKPOINTS)
    write_results(out, plan, outcome)
    sections = federation_sections(sites, outcome)
    (out / REPORT).write_text(page("Federation report", lead(plan), sections), encoding="utf-8")
    tell(sites, outcome)
    say(f"written  {out / MODEL}, {out / HISTORY}, {out / REPORT}")
    return 0


def _federate_real_sites(plan: Federation, out: Path, kit: Path | None, *, resume: bool) -> int:
    from fedbragg.cli.real_sites import run_real
    from fedbragg.report.federation import history_section
    from fedbragg.report.page import page

    if kit is None:
        raise ConfigError("real sites need the coordinator's kit; give --kit KIT.")
    outcome = run_real(plan, kit, resume=resume)
    write_results(out, plan, outcome)
    sections = [history_section(outcome.history)]
    (out / REPORT).write_text(page("Federation report", lead(plan), sections), encoding="utf-8")
    say(f"ended    {outcome.reason}")
    say(f"written  {out / MODEL}, {out / HISTORY}, {out / REPORT}")
    return 0


def lead(plan: Federation) -> str:
    """Say in one line what was run."""
    way = plan.federation
    return f"{way.aggregation} on the {way.schedule} schedule, {len(plan.sites)} sites, seed {plan.seed}."


def read_sites(plan: Federation, folder: Path) -> list[SiteFrames]:
    """Read and prepare every site's labelled frames."""
    from fedbragg.federation.training import site_frames

    for site in plan.sites:
        if not (site.runs and site.labels):
            raise ConfigError(
                f"site {site.name} has no runs and labels; give both, or --engine nvflare --kit KIT."
            )
    sites = []
    with bars() as place:
        for site in plan.sites:
            bar = Bar(place, f"Reading {site.name}", None)
            sites.append(site_frames(plan, site, folder, bar.step))
    return sites


def start_model(plan: Federation) -> State:
    """Train the start model on public simulated frames."""
    from fedbragg.federation import training

    _use_one_thread_a_site()
    with bars() as place:
        simulating = Bar(place, "Simulating public frames", plan.model.public_frames)
        learning = Bar(place, "Training the start model", plan.model.public_epochs)
        return training.start_model(plan, simulating.step, lambda *_: learning.step())


def run_federation(
    plan: Federation,
    sites: Sequence[SiteFrames],
    start: State,
    checkpoints: Path | None,
    title: str = "Federation",
) -> FederationOutcome:
    """Run the federation, with a bar that moves at each barrier."""
    from fedbragg.federation.training import train_together

    with bars() as place:
        bar = Bar(place, title, plan.federation.barriers)
        return train_together(plan, sites, start, _follow(bar, title), checkpoints)


def write_results(out: Path, plan: Federation, outcome: FederationOutcome) -> None:
    """Write the model file and the history."""
    from fedbragg.federation.training import write_model

    write_model(out / MODEL, plan, outcome)
    history = {"ended": outcome.reason, "barriers": outcome.barriers, "history": outcome.history}
    (out / HISTORY).write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")


def federation_sections(sites: Sequence[SiteFrames], outcome: FederationOutcome) -> list[Section]:
    """Return the report's sections on the federation itself."""
    from fedbragg.federation.training import judge, positives
    from fedbragg.report.federation import SiteRow, history_section, sites_section

    barriers = [line for line in outcome.history if line["event"] == "barrier"]
    weights: dict[str, float] = barriers[-1]["weights"] if barriers else {}
    rows = [
        SiteRow(
            site.name,
            len(site.train),
            positives(site.train),
            weights.get(site.name),
            judge(outcome.model, site.held_out),
        )
        for site in sites
    ]
    return [history_section(outcome.history), sites_section(rows)]


def tell(sites: Sequence[SiteFrames], outcome: FederationOutcome) -> None:
    """Print how good the model is at each site."""
    from fedbragg.federation.training import judge

    say(f"{'site':<12} {'trained on':>10}   {'balanced accuracy':<22} AUC  (held-out frames, 95 % intervals)")
    for site in sites:
        quality = judge(outcome.model, site.held_out)
        say(
            f"{site.name:<12} {len(site.train):>10}   {quality['balanced accuracy']!s:<22} {quality['AUC']!s}"
        )
    say(f"ended    {outcome.reason}")


def _follow(bar: Bar, title: str) -> Callable[[Told], None]:
    def watch(told: Told) -> None:
        if told.event == "barrier":
            bar.tell(f"{title}, loss {told.loss:.3f}")
            bar.step()
        elif told.event in ("failed", "rejected", "left"):
            say(f"{told.site}: {told.event}: {told.reason}")

    return watch


def _use_one_thread_a_site() -> None:
    """Let each training keep to one core: the engine runs several at a time, and sums keep their order."""
    import torch

    torch.set_num_threads(1)
    torch.ones(
        1
    ).sqrt()  # the first one must not come from two trainings at once: MKL then gives one of them 12 bits
