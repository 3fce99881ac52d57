"""The report of a federation: its page, and its sections for use in a larger report."""

from __future__ import annotations

from pathlib import Path

from fedbragg.report.federation import SiteRow, history_section, sites_section
from fedbragg.report.page import PageSection, page
from fedbragg.workflows.federate import Federated, Project

REPORT = "report.html"


def lead(project: Project) -> str:
    """Describe the federation in one line."""
    rules, settings = project.settings.federation, project.settings
    return f"{rules.aggregation} on the {rules.schedule} schedule, {len(settings.sites)} sites, seed {settings.seed}."


def sections(federated: Federated) -> list[PageSection]:
    """Return the sections on a federation whose sites' data are in this process."""
    task, history = federated.project.task, federated.outcome.history
    barriers = [line for line in history if line["event"] == "barrier"]
    weights: dict[str, float] = barriers[-1].get("weights", {}) if barriers else {}
    rows = [
        SiteRow(
            site.name,
            len(site.train),
            site.train.label_counts,
            weights.get(site.name),
            federated.metrics[site.name],
            federated.project.networks.of_sites.get(site.name, ""),
        )
        for site in federated.sites
    ]
    return [history_section(history, task.headlines[0]), sites_section(rows, task)]


def write_report(out: Path, project: Project, parts: list[PageSection]) -> None:
    """Write a federation's page into a folder."""
    (out / REPORT).write_text(page("Federation report", lead(project), parts), encoding="utf-8")
