"""The comparison of arms over seeds: table, curves, page, JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

import numpy as np

from fedbragg.metrics.estimate import Estimate
from fedbragg.metrics.repeats import mean_of_repeats
from fedbragg.report.figures import bars, curves
from fedbragg.report.page import PageSection, drawing, paragraph, sentence, table

Result = Mapping[str, Any]
"""One arm with one seed, as workflows/bench_worker.py writes it."""
ACCURACY, LOSS = "accuracy", "training loss"


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """One arm over all seeds."""

    name: str
    schedule: str
    metrics: Mapping[str, Estimate]  # mean over sites, then over seeds
    gain: Estimate  # of the headline over the first arm's, seed by seed
    loss: Estimate
    megabytes: float  # of updates that all sites send, mean over seeds; NaN where they share none
    curve: Sequence[float]  # of the headline, at the start and after each barrier


def summarise(results: Sequence[Result], headline: str) -> list[ArmSummary]:
    """Return the arms in the order of the results; ``headline`` is the metric of curves and gains."""
    names = list(dict.fromkeys(result["name"] for result in results))
    by_arm = {name: [result for result in results if result["name"] == name] for name in names}
    first = {result["seed"]: site_mean(result, headline) for result in by_arm[names[0]]}
    return [_summary(name, found, headline, first) for name, found in by_arm.items()]


def site_mean(result: Result, metric: str) -> float:
    """Return the mean of a metric over the sites where it is known: every site counts the same."""
    return _mean([site[metric][0] for site in result["metrics"].values()])


def _summary(name: str, found: Sequence[Result], headline: str, first: Mapping[int, float]) -> ArmSummary:
    metrics = next(iter(found[0]["metrics"].values()))
    gains = [site_mean(result, headline) - first[result["seed"]] for result in found]
    return ArmSummary(
        name,
        found[0]["schedule"],
        {metric: mean_of_repeats([site_mean(result, metric) for result in found]) for metric in metrics},
        mean_of_repeats(gains),
        mean_of_repeats([nan if result["loss"] is None else result["loss"] for result in found]),
        _mean([result["bytes"] for result in found]) / 1e6,
        _curve(found),
    )


def _curve(found: Sequence[Result]) -> list[float]:
    length = min(len(result["curve"]) for result in found)
    return [_mean([v for result in found for v in result["curve"][k].values()]) for k in range(length)]


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None and isfinite(value)]
    return float(np.mean(known)) if known else nan


def shown_metrics(arms: Sequence[ArmSummary], headlines: Sequence[str]) -> list[str]:
    """Return the metrics of the short table: the headlines, with accuracy beside a balanced one."""
    known = arms[0].metrics
    return [*headlines, *(name for name in (ACCURACY,) if name in known and name not in headlines)]


def rows(arms: Sequence[ArmSummary], metrics: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Return the heads and the cells of a table of arms."""
    heads = ["arm", "schedule", *metrics, f"over {arms[0].name}", LOSS, "MB sent"]
    cells = [
        [
            arm.name,
            arm.schedule,
            *(interval(arm.metrics[name]) for name in metrics),
            "" if arm is arms[0] else interval(arm.gain, "+"),
            interval(arm.loss),
            f"{arm.megabytes:.2f}" if isfinite(arm.megabytes) else "–",
        ]
        for arm in arms
    ]
    return heads, cells


def interval(estimate: Estimate, sign: str = "") -> str:
    """Show a mean and half its interval: 0.912 ± 0.030; a single seed has no interval, an unknown mean is a dash."""
    if not isfinite(estimate.value):
        return "–"
    half = estimate.high - estimate.value
    return f"{estimate.value:{sign}.3f}" + (f" ± {half:.3f}" if isfinite(half) else "")


def markdown(arms: Sequence[ArmSummary], metrics: Sequence[str], note: str) -> str:
    """Return the table as Markdown, with a note."""
    heads, cells = rows(arms, metrics)
    lines = [heads, ["---"] * len(heads), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{note}\n"


def curves_of(arms: Sequence[ArmSummary], headline: str) -> str:
    """Draw the headline of every arm after each barrier, as SVG."""
    series = {arm.name: [(float(k), v) for k, v in enumerate(arm.curve) if isfinite(v)] for arm in arms}
    return curves(series, "barriers passed", headline)


def sections(arms: Sequence[ArmSummary], headline: str, note: str) -> list[PageSection]:
    """Return the page's sections: the table of all metrics, the bars, the curves."""
    heads, cells = rows(arms, list(arms[0].metrics))
    values = {arm.name: _bar(arm.metrics[headline]) for arm in arms}
    caption = sentence(f"{headline}, mean over sites and seeds, with the 95 % interval over seeds")
    return [
        PageSection("Arms", [table(heads, cells), paragraph(note), drawing(bars(values, headline), caption)]),
        PageSection(
            "Curves",
            [drawing(curves_of(arms, headline), sentence(f"{headline}, mean over sites and seeds"))],
        ),
    ]


def as_json(arms: Sequence[ArmSummary]) -> list[dict[str, Any]]:
    """Return the summaries as JSON; an estimate is [value, low, high], null where it is unknown."""
    return [
        {
            "arm": arm.name,
            "schedule": arm.schedule,
            "metrics": {name: _numbers(estimate) for name, estimate in arm.metrics.items()},
            "gain": _numbers(arm.gain),
            "training_loss": _numbers(arm.loss),
            "megabytes": arm.megabytes if isfinite(arm.megabytes) else None,
            "curve": [value if isfinite(value) else None for value in arm.curve],
        }
        for arm in arms
    ]


def _numbers(estimate: Estimate) -> list[float | None]:
    return [v if isfinite(v) else None for v in (estimate.value, estimate.low, estimate.high)]


def _bar(estimate: Estimate) -> tuple[float, float, float]:
    if not isfinite(estimate.low):
        return estimate.value, estimate.value, estimate.value
    return estimate.value, estimate.low, estimate.high
