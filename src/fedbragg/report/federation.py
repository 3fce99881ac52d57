"""The part of a report on a federation: curves, labels, weights, and how good the model is at each site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fedbragg.metrics.classification import Confusion, Estimate
from fedbragg.report.figures import bars, confusion_matrix, curves
from fedbragg.report.page import Section, drawing, paragraph, table
from fedbragg.tasks.base import LabelCounts, Task


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One site as the report shows it."""

    name: str
    examples: int  # trained on
    labels: LabelCounts  # of these
    weight: float | None  # its share in the last barrier
    metrics: Mapping[str, Estimate]  # on its held-out examples


def history_section(history: Sequence[Mapping[str, Any]], headline: str) -> Section:
    """Return the curves of the loss and of the task's first metric against the federation's clock."""
    losses: dict[str, list[tuple[float, float]]] = {}
    quality: dict[str, list[tuple[float, float]]] = {}
    for line in history:
        if line["event"] == "update":
            losses.setdefault(line["site"], []).append((line["time"], line["loss"]))
        for site, value in line.get("evaluation", {}).items():
            quality.setdefault(site, []).append((line["time"], value))
    clock = "the federation's clock: samples trained on, over the site's speed"
    curve = f"{headline[0].upper()}{headline[1:]} of the global model on each site's held-out examples"
    return Section(
        "Training",
        [
            drawing(curves(losses, clock, "training loss"), "Loss that each site reported with its updates."),
            drawing(curves(quality, clock, headline), f"{curve}, at the start and each barrier."),
        ],
    )


def sites_section(rows: Sequence[SiteRow], task: Task[Any]) -> Section:
    """Return the tables of sites: how good the model is there, and which labels they trained on."""
    metrics = tuple(rows[0].metrics)
    quality = [
        (
            row.name,
            "–" if row.weight is None else f"{row.weight:.3f}",
            *(str(row.metrics[name]) for name in metrics),
        )
        for row in rows
    ]
    note = f"95 % intervals, on the last {task.unit}s in time of each site, which never trained."
    return Section(
        "Sites",
        [
            table(("site", "last weight", *metrics), quality),
            paragraph(note),
            table(("site", f"{task.unit}s trained on", *_answers(task)), [_label_row(row) for row in rows]),
        ],
    )


def _answers(task: Task[Any]) -> list[str]:
    """Return what the labels' columns show: of a yes-or-no question the yes, of others every answer."""
    return [
        answers[1] if len(task.questions) == 1 else question
        for question, answers in task.questions.items()
        if len(answers) == 2
    ] + [answer for answers in task.questions.values() if len(answers) > 2 for answer in answers]


def _label_row(row: SiteRow) -> tuple[str, ...]:
    yes = [counts[1] for counts in row.labels if len(counts) == 2]
    others = [count for counts in row.labels if len(counts) > 2 for count in counts]
    return (row.name, str(row.examples), *(f"{n} ({n / row.examples:.0%})" for n in (*yes, *others)))


def comparison_section(models: Mapping[str, Mapping[str, Estimate]], where: str, headline: str) -> Section:
    """Return how models trained in different ways compare on the same examples."""
    metrics = tuple(next(iter(models.values())))
    rows = [(name, *(str(quality[metric]) for metric in metrics)) for name, quality in models.items()]
    heights = {name: _bar(quality[headline]) for name, quality in models.items()}
    caption = f"{headline[0].upper()}{headline[1:]} with its 95 % interval."
    return Section(
        "Comparison",
        [
            paragraph(f"All on the same examples: {where}. 95 % intervals."),
            table(("model", *metrics), rows),
            drawing(bars(heights, headline), caption),
        ],
    )


def confusion_section(counts: Confusion, where: str) -> Section:
    """Return the confusion matrix of the federation's model."""
    return Section("Confusion", [drawing(confusion_matrix(counts), f"The federation's model on {where}.")])


def _bar(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
