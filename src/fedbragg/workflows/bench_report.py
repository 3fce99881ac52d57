"""Write the comparison of arms: bench.json, table.md, curves.svg and report.html."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from fedbragg.report.bench import (
    ArmSummary,
    as_json,
    curves_of,
    markdown,
    sections,
    shown_metrics,
    summarise,
)
from fedbragg.report.page import page
from fedbragg.version import __version__
from fedbragg.workflows.bench import Bench

RESULT, TABLE, CURVES, REPORT = "bench.json", "table.md", "curves.svg", "report.html"


def write_bench(out: Path, found: Bench) -> list[ArmSummary]:
    """Write all files into a folder and return the summaries."""
    task = found.project.task
    headline, note = task.headlines[0], note_of(found)
    arms = summarise(found.results, headline)
    record = {"fedbragg": __version__, "task": task.name, "seeds": list(found.seeds), "note": note}
    record |= {"arms": as_json(arms), "results": list(found.results)}
    (out / RESULT).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (out / TABLE).write_text(markdown(arms, shown_metrics(arms, task.headlines), note), encoding="utf-8")
    (out / CURVES).write_text(curves_of(arms, headline), encoding="utf-8")
    html = page("Comparison of arms", lead(found), sections(arms, headline, note))
    (out / REPORT).write_text(html, encoding="utf-8")
    return arms


def lead(found: Bench) -> str:
    """Describe the comparison in one line."""
    task, settings = found.project.task.name, found.project.settings
    barriers = settings.federation.barriers
    return f"Task {task}, {len(settings.sites)} sites, {barriers} barriers, {_seeds(found.seeds)}."


def note_of(found: Bench) -> str:
    """Return the note to read before quoting a figure."""
    unit = found.project.task.unit
    return (
        f"Mean over the sites' held-out {unit}s, every site counted alike; mean ± half of the 95 % interval "
        f"(Student's t) over {_seeds(found.seeds)}, which change the training and a trained start model, not the data. "
        f'"over {found.arms[0].name}" is taken seed by seed. Training losses of rules that change the loss are not '
        "comparable with the others'."
    )


def _seeds(seeds: Sequence[int]) -> str:
    return f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
