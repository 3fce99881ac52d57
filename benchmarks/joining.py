"""Measure the worth of joining a federation to a facility, in labelled frames of its own.

    nice .venv/bin/python benchmarks/joining.py [--random 20] [--seeds 5] [--minutes 60] [--folder joining]

Five named facilities and others drawn at random. Each in turn is the one that joins, with 0 to 300 labelled frames of
its own; the named ones (without it) are in the federation already. It resumes: frames and finished (facility, seed)
pairs are kept in the folder. It begins no new pair after ``--minutes`` of CPU and publishes the results so far.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite, nan
from pathlib import Path
from typing import Any

import numpy as np

from baselines import one_by_one
from baselines.joining_arms import ARMS, MEMBERS_LABEL, NUMBERS, OWN, PACKAGED, WITH, WITHOUT, joined
from baselines.joining_facilities import EDGE, POOL, TEST, TROUBLES, Facility, facilities
from fedbragg.learn.threads import keep_to_one_core
from fedbragg.metrics.classification import summary
from fedbragg.metrics.repeats import mean_of_repeats
from fedbragg.report.bench import interval
from harness import Table, publish

PLOT = Path(__file__).parents[1] / "docs" / "images" / "joining.svg"
METRICS = ("AUC", "balanced accuracy")


def main() -> None:
    options = _options()
    keep_to_one_core()
    every = facilities(options.random, options.folder / "frames")
    pairs = [(facility, seed) for seed in range(1, options.seeds + 1) for facility in every]
    members = {f.name: [o for o in every if o.name in TROUBLES and o is not f] for f in every}
    works = {
        _path(options.folder, facility, seed): partial(joined, facility, members[facility.name], seed)
        for facility, seed in pairs
    }
    one_by_one.work_through(works, options.minutes)
    done = [(f, seed) for f, seed in pairs if _path(options.folder, f, seed).exists()]
    found = Findings(every, [json.loads(_path(options.folder, f, seed).read_text()) for f, seed in done])
    PLOT.write_text(plot(found), encoding="utf-8")
    publish("joining", tables(found, options))


def _options() -> argparse.Namespace:
    parser = one_by_one.parser(__doc__, "joining")
    parser.add_argument(
        "--random", type=int, default=20, help="facilities drawn at random, beside the named five"
    )
    return parser.parse_args()


def _path(folder: Path, facility: Facility, seed: int) -> Path:
    return folder / f"{facility.name}-seed-{seed}.json"


@dataclass(frozen=True)
class Findings:
    """All finished results, and the facilities that they are about."""

    every: Sequence[Facility]
    results: Sequence[dict[str, Any]]

    @property
    def finished(self) -> list[Facility]:
        """Return the facilities with a result."""
        return [f for f in self.every if any(r["facility"] == f.name for r in self.results)]

    def at(self, facility: Facility, arm: str, number: int, metric: str) -> float:
        """Return a metric on frames like its own, the mean over seeds."""
        truth = facility.test.truth
        found = [
            summary(truth, np.array(r["scores"][arm][str(number)]["test"]), 0.5)[metric].value
            for r in self.results
            if r["facility"] == facility.name
        ]
        return float(np.mean(found)) if found else nan

    def passed(self, facility: Facility, arm: str, number: int) -> float:
        """Return the share of misses with the others' troubles that are scored as misses, the mean over seeds."""
        if facility.strange is None:
            return nan
        misses = ~facility.strange.truth
        found = [
            (np.array(r["scores"][arm][str(number)]["strange"])[misses] < 0.5).mean()
            for r in self.results
            if r["facility"] == facility.name
        ]
        return float(np.mean(found)) if found else nan


def worth(own: Sequence[float], federated: float) -> float:
    """Return how many own labels reach what a federation gives without any: 0 where it gives nothing, inf beyond 300.

    ``own`` is the metric of the own model at NUMBERS; between two of these it is taken as linear in log(1 + n).
    """
    if federated <= own[0]:
        return 0.0
    steps = np.log1p(NUMBERS)
    for k in range(1, len(NUMBERS)):
        if own[k] >= federated:
            share = (federated - own[k - 1]) / (own[k] - own[k - 1])
            return float(np.expm1(steps[k - 1] + max(share, 0.0) * (steps[k] - steps[k - 1])))
    return float("inf")


def tables(found: Findings, options: argparse.Namespace) -> list[Table]:
    """Return the answers: by arm and number of labels, by facility, by trouble."""
    seeds = len({result["seed"] for result in found.results})
    named = sum(f.name in TROUBLES for f in found.finished)
    notes = [
        f"{len(found.finished)} of {options.random + len(TROUBLES)} facilities, {named} of them named, the others "
        f"drawn at random; {seeds} seeds, {len(found.results)} (facility, seed) pairs; one core. Detectors are cut to "
        f"{EDGE} pixels. {POOL} frames can be labelled, {TEST} others judge; each of the four or five facilities in "
        f"the federation has {MEMBERS_LABEL}. FedKL, sync, 4 barriers, 15 and then 5 epochs.",
        "Mean over facilities of the mean over seeds, ± half of the 95 % interval over facilities.",
        "All start from the packaged model, which was trained on other simulated frames of the named facilities' "
        "beamlines: little is left to learn there. The own model is always used here; fedbragg train would not write "
        "one that is worse on frames held back.",
    ]
    return [_by_arm(found, metric, notes) for metric in METRICS] + [_by_facility(found), _by_trouble(found)]


def _by_arm(found: Findings, metric: str, notes: Sequence[str]) -> Table:
    rows: list[list[object]] = []
    for arm in ARMS:
        cells = [mean_of_repeats([found.at(f, arm, n, metric) for f in found.finished]) for n in NUMBERS]
        rows.append([arm, *(interval(cell) for cell in cells)])
    for number_arm, title in (
        (WITHOUT, "gain of joining without labels over own"),
        (WITH, "gain of joining with labels over own"),
    ):
        gains = [
            mean_of_repeats(
                [found.at(f, number_arm, n, metric) - found.at(f, OWN, n, metric) for f in found.finished]
            )
            for n in NUMBERS
        ]
        rows.append([title, *(interval(gain, "+") for gain in gains)])
    columns = ["model", *(f"{n} own labels" for n in NUMBERS)]
    return Table(
        f"{metric} at the facility that joins, by its number of labelled frames", columns, rows, notes
    )


def _by_facility(found: Findings) -> Table:
    rows = []
    for f in found.finished:
        own = [found.at(f, OWN, n, "AUC") for n in NUMBERS]
        federated = found.at(f, WITHOUT, 0, "AUC")
        labels = worth(own, federated)
        shown = "over 300" if labels == float("inf") else f"{labels:.0f}" if labels else "none"
        joined_30 = found.at(f, WITH, 30, "AUC") - own[NUMBERS.index(30)]
        gain = f"{federated - own[0]:+.3f}"
        rows.append([f.name, own[0], federated, gain, shown, own[-1], f"{joined_30:+.3f}"])
    columns = (
        "facility",
        "packaged model",
        "federated without own labels",
        "gain without a label",
        "worth so many own labels",
        "own, 300 labels",
        "joining with 30 labels, over own with 30",
    )
    note = "AUC, mean over seeds. A figure of one facility has no interval: read the column, not a row."
    return Table("Joining is worth how many labelled frames?", columns, rows, [note])


def _by_trouble(found: Findings) -> Table:
    rows = []
    for f in found.finished:
        if f.strange is not None:
            cells = [
                found.passed(f, arm, n) for arm, n in ((PACKAGED, 0), (OWN, 100), (WITHOUT, 0), (WITH, 100))
            ]
            rows.append([f.name, ", ".join(TROUBLES[f.name]), *(f"{cell:.3f}" for cell in cells)])
    columns = (
        "facility",
        "its own troubles",
        "packaged",
        "own, 100 labels",
        "federated without",
        "federated with 100",
    )
    note = (
        "Share of misses that are scored as misses (below 0.5), on frames of its own detector with the troubles of the "
        "other four."
    )
    return Table(
        "Who learns from whom: misses with troubles that a facility has never labelled", columns, rows, [note]
    )


def plot(found: Findings) -> str:
    """Draw the AUC of each arm against the number of own labels, as SVG."""
    import io

    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    places = np.log1p(NUMBERS)
    for arm in ARMS:
        cells = [mean_of_repeats([found.at(f, arm, n, "AUC") for f in found.finished]) for n in NUMBERS]
        style = {"linestyle": "--"} if arm in (PACKAGED, WITHOUT) else {"marker": "o", "markersize": 3}
        axes.plot(places, [cell.value for cell in cells], label=arm, linewidth=1.4, **style)
    worths = [
        worth([found.at(f, OWN, n, "AUC") for n in NUMBERS], found.at(f, WITHOUT, 0, "AUC"))
        for f in found.finished
    ]
    known = [value for value in worths if isfinite(value)]
    middle = float(np.median(worths)) if worths else nan
    worth_of_it = f"{middle:.0f} labels" if isfinite(middle) else "over 300 labels"
    losers = len(known) - np.count_nonzero(known)
    title = f"Joining without a label is worth {worth_of_it} (median); nothing to {losers} of {len(worths)}"
    axes.set_title(title, fontsize=10)
    axes.set_xticks(places, [str(n) for n in NUMBERS])
    axes.set(xlabel="labelled frames of the facility's own", ylabel="AUC at the facility that joins")
    axes.legend(frameon=False, fontsize=8)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


if __name__ == "__main__":
    main()
