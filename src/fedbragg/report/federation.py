"""The part of a report that tells of a federation: curves, weights, and how good the model is at each site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fedbragg.metrics.classification import Confusion, Estimate
from fedbragg.report.figures import bars, confusion_matrix, curves
from fedbragg.report.page import Section, drawing, paragraph, table

FIGURES = ("accuracy", "balanced accuracy", "precision", "recall", "F1", "AUC")


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One site as the report shows it."""

    name: str
    frames: int  # trained on
    hits: int  # of these, hits and maybes
    weight: float | None  # its share in the last barrier
    quality: Mapping[str, Estimate]  # on its held-out frames


def history_section(history: Sequence[Mapping[str, Any]]) -> Section:
    """Return the curves of loss and of balanced accuracy against the federation's clock."""
    losses: dict[str, list[tuple[float, float]]] = {}
    quality: dict[str, list[tuple[float, float]]] = {}
    for line in history:
        if line["event"] == "update":
            losses.setdefault(line["site"], []).append((line["time"], line["loss"]))
        for site, value in line.get("evaluation", {}).items():
            quality.setdefault(site, []).append((line["time"], value))
    clock = "the federation's clock: samples trained on, over the site's speed"
    return Section(
        "Training",
        [
            drawing(curves(losses, clock, "training loss"), "Loss that each site reported with its updates."),
            drawing(
                curves(quality, clock, "balanced accuracy"),
                "Balanced accuracy of the global model on each site's held-out frames, at the start and each barrier.",
            ),
        ],
    )


def sites_section(rows: Sequence[SiteRow]) -> Section:
    """Return the table of sites."""
    columns = ("site", "frames", "hits or maybes", "last weight", *FIGURES)
    cells = [
        (
            row.name,
            str(row.frames),
            f"{row.hits} ({row.hits / row.frames:.0%})",
            "–" if row.weight is None else f"{row.weight:.3f}",
            *(str(row.quality[name]) for name in FIGURES),
        )
        for row in rows
    ]
    note = (
        "95 % intervals, on the last frames in time of each site, which never trained; maybe counts as hit."
    )
    return Section("Sites", [table(columns, cells), paragraph(note)])


def comparison_section(models: Mapping[str, Mapping[str, Estimate]], where: str) -> Section:
    """Return how models trained in different ways compare on the same frames."""
    rows = [(name, *(str(quality[figure]) for figure in FIGURES)) for name, quality in models.items()]
    heights = {name: _bar(quality["balanced accuracy"]) for name, quality in models.items()}
    return Section(
        "Comparison",
        [
            paragraph(f"All on the same frames: {where}. 95 % intervals."),
            table(("model", *FIGURES), rows),
            drawing(bars(heights, "balanced accuracy"), "Balanced accuracy with its 95 % interval."),
        ],
    )


def confusion_section(counts: Confusion, where: str) -> Section:
    """Return the confusion matrix of the federation's model."""
    return Section("Confusion", [drawing(confusion_matrix(counts), f"The federation's model on {where}.")])


def _bar(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
