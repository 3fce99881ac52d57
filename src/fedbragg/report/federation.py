"""The sections of a report about a federation: training curves, labels, weights, and the metrics at each site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fedbragg.metrics.classification import Confusion
from fedbragg.metrics.estimate import Estimate
from fedbragg.report.figures import bars, confusion_matrix, curves
from fedbragg.report.page import PageSection, drawing, paragraph, sentence, table
from fedbragg.tasks.base import LabelCounts, Task


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One site as the report shows it."""

    name: str
    examples: int  # trained on
    labels: LabelCounts  # of these
    weight: float | None  # its weight in the last barrier; None where it took no part
    metrics: Mapping[str, Estimate]  # on its held-out examples
    network: str = ""  # that it runs, where sites run different ones


def history_section(history: Sequence[Mapping[str, Any]], headline: str) -> PageSection:
    """Return the curves of the training loss and of the headline metric against the federation's clock."""
    losses: dict[str, list[tuple[float, float]]] = {}
    quality: dict[str, list[tuple[float, float]]] = {}
    for line in history:
        if line["event"] == "barrier" and "sites" in line:  # a masked sum: no single site's loss is known
            losses.setdefault("mean of the sites", []).append((line["time"], line["loss"]))
        elif line["event"] == "update" and "loss" in line:
            losses.setdefault(line["site"], []).append((line["time"], line["loss"]))
        for site, value in line.get("evaluation", {}).items():
            quality.setdefault(site, []).append((line["time"], value))
    clock = "the federation's clock: samples trained on, divided by the site's speed"
    curve = sentence(
        f"{headline} of the global model on each site's held-out examples, at the start and each barrier"
    )
    return PageSection(
        "Training",
        [
            drawing(curves(losses, clock, "training loss"), "Loss that each site reported with its updates."),
            drawing(curves(quality, clock, headline), curve),
        ],
    )


def sites_section(rows: Sequence[SiteRow], task: Task[Any]) -> PageSection:
    """Return the tables of sites: the metrics of the model there, and the labels trained on."""
    metrics, differ = tuple(rows[0].metrics), any(row.network for row in rows)
    quality = [
        (
            row.name,
            *([row.network] if differ else []),
            "–" if row.weight is None else f"{row.weight:.3f}",
            *(str(row.metrics[name]) for name in metrics),
        )
        for row in rows
    ]
    note = f"95 % intervals, on the last {task.unit}s in time of each site, which took no part in training."
    return PageSection(
        "Sites",
        [
            table(("site", *(["network"] if differ else []), "last weight", *metrics), quality),
            paragraph(note),
            table(
                ("site", f"{task.unit}s trained on", *_label_columns(task)), [_label_row(row) for row in rows]
            ),
        ],
    )


def _label_columns(task: Task[Any]) -> list[str]:
    """Return the names of the label columns: yes-or-no questions, which show the yes, then every other answer."""
    return [
        answers[1] if len(task.questions) == 1 else question
        for question, answers in task.questions.items()
        if len(answers) == 2
    ] + [answer for answers in task.questions.values() if len(answers) > 2 for answer in answers]


def _label_row(row: SiteRow) -> tuple[str, ...]:
    yes = [counts[1] for counts in row.labels if len(counts) == 2]
    others = [count for counts in row.labels if len(counts) > 2 for count in counts]
    return (row.name, str(row.examples), *(f"{n} ({n / row.examples:.0%})" for n in (*yes, *others)))


def comparison_section(
    models: Mapping[str, Mapping[str, Estimate]], where: str, headline: str
) -> PageSection:
    """Return the comparison of models that were trained in different ways, on the same examples."""
    metrics = tuple(next(iter(models.values())))
    rows = [(name, *(str(quality[metric]) for metric in metrics)) for name, quality in models.items()]
    values = {name: _bar(quality[headline]) for name, quality in models.items()}
    caption = sentence(f"{headline} with its 95 % interval")
    return PageSection(
        "Comparison",
        [
            paragraph(f"All on the same examples: {where}. 95 % intervals."),
            table(("model", *metrics), rows),
            drawing(bars(values, headline), caption),
        ],
    )


def confusion_section(counts: Confusion, where: str) -> PageSection:
    """Return the confusion matrix of the federation's model."""
    return PageSection(
        "Confusion", [drawing(confusion_matrix(counts), f"The federation's model on {where}.")]
    )


def _bar(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
