"""Measure how fast sync, async, hybrid and compass train spotnet at facilities that differ in speed and lose messages.

    nice .venv/bin/python benchmarks/schedules_spotnet.py [--seeds 5] [--minutes 60] [--folder schedules]

Real training, from random weights, at the five named facilities of joining.py on the virtual clock. ``speed spread`` is
the slowest site's time for an epoch over the fastest's, the sites between them in equal ratios, in random order. It
resumes: frames and finished runs are kept in the folder. It begins no new run after ``--minutes`` of CPU and publishes
the results so far.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines import one_by_one
from baselines.joining_facilities import EDGE, TEST, TROUBLES, Facility, facilities
from baselines.schedules_facilities import (
    BARRIERS,
    DEADLINE,
    EPOCHS,
    FEWEST_FRAMES,
    MOST_FRAMES,
    POINTS,
    WARMUP,
    Condition,
    Curve,
    Run,
    epochs_to,
)
from fedbragg.federation.engines.virtual import RESENT
from fedbragg.learn.threads import keep_to_one_core
from fedbragg.metrics.repeats import mean_of_repeats
from fedbragg.report.bench import interval
from harness import Table, publish

FIGURE = Path(__file__).parents[1] / "docs" / "images" / "schedules-spotnet.svg"
SYNC, MAIN = "sync", ("sync", "async", "hybrid", "compass")
WAYS: dict[str, dict[str, Any]] = {schedule: {"schedule": schedule} for schedule in MAIN}
VARIANTS: dict[str, dict[str, Any]] = {
    "hybrid, staleness_exponent 0.25": {"schedule": "hybrid", "staleness_exponent": 0.25}
}
EQUAL, EIGHT, LOSSY = Condition(1), Condition(8), Condition(8, loss=0.3)
CONDITIONS = (EIGHT, LOSSY, Condition(32, barriers=2), EQUAL)
METRICS = ("AUC", "balanced accuracy", "log loss")
SMOOTH = 3
"""Points averaged before a curve is compared, so that no single lucky moment counts."""


def jobs(seeds: int) -> list[tuple[Condition, str, int]]:
    """Return condition, schedule and seed of each run; sync comes first, because it sets the times.

    Where nothing is lost, sync's curve is that at equal speeds.
    """
    numbers = range(1, seeds + 1)
    first = [(EQUAL, SYNC, seed) for seed in numbers]
    rest = [(condition, way, seed) for condition in CONDITIONS for seed in numbers for way in MAIN]
    chosen = [job for job in rest if job[1] != SYNC or job[0].loss]
    return [*first, *chosen, *((EIGHT, way, seed) for seed in numbers for way in VARIANTS)]


def main() -> None:
    options = one_by_one.parser(__doc__, "schedules").parse_args()
    keep_to_one_core()
    named = facilities(0, options.folder / "frames")
    works = {
        _path(options.folder, *job): partial(_curve, named, options.folder, *job)
        for job in jobs(options.seeds)
    }
    one_by_one.work_through(works, options.minutes)
    found = Findings(options.folder, range(1, options.seeds + 1))
    draw(found)
    publish("schedules_spotnet", [_table(found, condition) for condition in CONDITIONS])


def _path(folder: Path, condition: Condition, way: str, seed: int) -> Path:
    return folder / f"{condition.title}-{way}-{seed}.json".replace(" ", "_").replace(",", "")


def _curve(
    named: Sequence[Facility], folder: Path, condition: Condition, way: str, seed: int
) -> dict[str, Any]:
    rules = {**WAYS, **VARIANTS}[way]
    if way != SYNC:
        rules = {**rules, "barriers": condition.barriers}
    run = Run.of(named, condition, seed, rules)
    if not condition.loss:
        end = run.end
    elif way == SYNC:
        end = None  # the run's own, which no deadline foretells
    else:
        end = json.loads(_path(folder, condition, SYNC, seed).read_text())["curve"]["time"][-1]
    began = time.process_time()
    curve = run.curve(end)
    whole = run.end * epochs_to(BARRIERS) / epochs_to(run.settings.federation.barriers)
    return {"curve": curve, "sync_end": whole, "cpu_seconds": round(time.process_time() - began, 1)}


@dataclass(frozen=True)
class Findings:
    """The finished runs."""

    folder: Path
    seeds: Sequence[int]

    def curve(self, condition: Condition, way: str, seed: int) -> Curve | None:
        """Return a run's smoothed curve, its times as shares of sync's; None where it is not finished."""
        same = condition if way != SYNC or condition.loss else EQUAL
        path = _path(self.folder, same, way, seed)
        if not path.exists():
            return None
        content = json.loads(path.read_text())
        curve: dict[str, list[float]] = content["curve"]
        whole = content["sync_end"]
        if condition.loss:
            whole = json.loads(_path(self.folder, condition, SYNC, seed).read_text())["curve"]["time"][-1]
        times = (np.array(curve["time"]) / whole).tolist()
        return {"time": times, **{key: smoothed(curve[key]).tolist() for key in METRICS}}

    def pairs(self, condition: Condition, way: str) -> list[tuple[Curve, Curve]]:
        """Return each seed's curve with sync's of the same seed."""
        both = [(self.curve(condition, way, s), self.curve(condition, SYNC, s)) for s in self.seeds]
        return [(mine, sync) for mine, sync in both if mine is not None and sync is not None]


def smoothed(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the mean of each point and of those before it, SMOOTH in all."""
    return np.array([np.mean(values[max(0, k - SMOOTH + 1) : k + 1]) for k in range(len(values))])


def time_to(curve: Curve, metric: str, target: float) -> float:
    """Return when a curve first reaches a value, between its points by straight lines; inf if never."""
    sign = -1.0 if metric == "log loss" else 1.0
    points = list(zip(curve["time"], [sign * value for value in curve[metric]], strict=True))
    for (t0, a0), (t1, a1) in pairwise(points):
        if a1 >= sign * target:
            return float(t0 + (t1 - t0) * max(sign * target - a0, 0) / (a1 - a0)) if a1 > a0 else float(t1)
    return float("inf")


def _table(found: Findings, condition: Condition) -> Table:
    rows: list[list[Any]] = []
    listed = [*MAIN, *(VARIANTS if condition == EIGHT else {})]
    for way in listed:
        pairs = found.pairs(condition, way)
        if not pairs:
            continue
        finals = [interval(mean_of_repeats([mine[metric][-1] for mine, _ in pairs])) for metric in METRICS]
        gain = interval(mean_of_repeats([mine["AUC"][-1] - sync["AUC"][-1] for mine, sync in pairs]), "+")
        reached = [_reached(pairs, metric) for metric in METRICS]
        rows.append([way, *finals, gain, *reached])
    share = epochs_to(condition.barriers) / epochs_to(BARRIERS)
    end = "the end" if share == 1 else f"the end (others than sync: at {share:.2g} of its time)"
    columns = [
        "schedule",
        *(f"{metric} at {end}" for metric in METRICS),
        "gain on sync, AUC",
        *(f"time to sync's {metric}" for metric in METRICS),
    ]
    return Table(f"spotnet, speeds spread {condition.title}", columns, rows, _notes(found, condition))


def _reached(pairs: Sequence[tuple[Curve, Curve]], metric: str) -> str:
    shares = [time_to(mine, metric, sync[metric][-1]) for mine, sync in pairs]
    known = [share for share in shares if np.isfinite(share)]
    text = f"{np.mean(known):.2f} ({min(known):.2f} to {max(known):.2f})" if known else "never"
    return text + (f", {len(known)} of {len(shares)}" if 0 < len(known) < len(shares) else "")


def _notes(found: Findings, condition: Condition) -> list[str]:
    notes = [
        f"{len(found.seeds)} seeds, mean ± half of the 95 % interval; time: mean (least to most), sync's end = 1. The "
        f"newest model is judged at {POINTS} times; each figure is the mean of {SMOOTH} of these, so sync's curve too "
        "reaches its own final value a little before its end.",
    ]
    if condition == EIGHT:
        notes.append(
            f"{len(TROUBLES)} facilities of {FEWEST_FRAMES} to {MOST_FRAMES} labelled frames, {TEST} others of "
            f"each judge; detectors cut to {EDGE} pixels. Random start, FedKL, {WARMUP} and then {EPOCHS} epochs, "
            f"{BARRIERS} barriers, every other setting at its default."
        )
    if condition.loss:
        notes.append(
            f"A deadline of {DEADLINE:g} times the slowest site's warm-up; a lost message is sent again after "
            f"{RESENT:g} s, and the fastest site trains an epoch in 1 s. Times are shares of sync's own end under the "
            "same losses."
        )
    return notes


def draw(found: Findings) -> None:
    """Draw the AUC against time for each condition."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "schedules"
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.4), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
    colours: Mapping[str, str] = dict(zip(MAIN, ("#777777", "#d1760a", "#1f5fa8", "#2a8a4a"), strict=True))
    for panel, condition in zip(axes, CONDITIONS, strict=True):
        for way in MAIN:
            lines = [mine for mine, _ in found.pairs(condition, way)]
            if lines:
                _draw_mean(panel, lines, way, colours[way])
        panel.set_title(f"speeds spread {condition.title}", fontsize=10)
    axes[0].legend(loc="lower right", frameon=False)
    figure.supxlabel("virtual time, as a share of sync's", fontsize=10)
    figure.supylabel("AUC, mean over the five facilities", fontsize=10)
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(FIGURE, metadata={"Date": None})


def _draw_mean(panel: Any, lines: Sequence[Curve], way: str, colour: str) -> None:
    grid = np.array(lines[0]["time"])
    values = np.array([np.interp(grid, line["time"], line["AUC"]) for line in lines])
    ends = [mean_of_repeats(list(column)) for column in values.T]
    panel.plot(grid, values.mean(axis=0), color=colour, label=way)
    panel.fill_between(
        grid, [e.low for e in ends], [e.high for e in ends], color=colour, alpha=0.12, linewidth=0
    )


if __name__ == "__main__":
    main()
