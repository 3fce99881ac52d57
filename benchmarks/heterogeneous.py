"""Compare a federation of three networks that teach one another (FedDF) with one of each network alone.

    nice .venv/bin/python benchmarks/heterogeneous.py [--seeds 5] [--minutes 60] [--folder heterogeneous]

Five simulated facilities (joining.py) train hit finding. In a federation of one network all run it; in one of three the
sites take spotnet, spotnet-small and kindnet in turn. All start from the same public frames. It resumes: frames and
finished runs are kept in the folder. It begins no new run after ``--minutes`` of CPU and publishes the results so far.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import nan
from pathlib import Path

from baselines import one_by_one
from baselines.heterogeneous_sites import (
    AVERAGED,
    FEWEST_FRAMES,
    MOST_FRAMES,
    RULES,
    TASK,
    Public,
    Scores,
    trained,
)
from baselines.joining_facilities import EDGE, TEST, facilities
from fedbragg.learn.threads import keep_to_one_core
from fedbragg.metrics.repeats import mean_of_repeats
from fedbragg.report.bench import interval
from harness import Table, publish

NETWORKS = TASK.networks
METRICS = ("AUC", "balanced accuracy", "recall")


@dataclass(frozen=True)
class Arm:
    """One kind of federation."""

    title: str
    networks: tuple[str, ...]
    teach: bool = False


SINGLE = {name: Arm(f"{name} at every site", (name,)) for name in NETWORKS}
APART = Arm("three networks, each averaged among its own sites", NETWORKS)
TAUGHT = Arm("three networks that teach one another", NETWORKS, teach=True)
SELF_TAUGHT = Arm("spotnet at every site, averaged and taught", ("spotnet",), teach=True)
ARMS = (*SINGLE.values(), SELF_TAUGHT, APART, TAUGHT)


def main() -> None:
    options = one_by_one.parser(__doc__, "heterogeneous").parse_args()
    keep_to_one_core()
    named, public = facilities(0, options.folder / "frames"), Public.of(options.folder / "public")
    works = {
        _path(options.folder, arm, seed): partial(trained, named, arm.networks, public, seed, teach=arm.teach)
        for seed in range(1, options.seeds + 1)
        for arm in ARMS
    }
    one_by_one.work_through(works, options.minutes)
    done = [s for s in range(1, options.seeds + 1) if all(_path(options.folder, a, s).exists() for a in ARMS)]
    found = {
        arm.title: [json.loads(_path(options.folder, arm, seed).read_text()) for seed in done] for arm in ARMS
    }
    publish("heterogeneous", [_by_network(found), _against_the_best(found)])


def _path(folder: Path, arm: Arm, seed: int) -> Path:
    return folder / f"{arm.title.replace(' ', '-').replace(',', '')}-{seed}.json"


Found = dict[str, list[Scores]]
"""By the arm's title, the scores of each seed."""


def _by_network(found: Found) -> Table:
    rows = []
    for arm in ARMS:
        for name in (*arm.networks, *([AVERAGED] if len(arm.networks) > 1 else [])):
            cells = [_mean([scores[name][metric] for scores in found[arm.title]]) for metric in METRICS]
            rows.append([arm.title, name, *cells])
    seeds = len(found[TAUGHT.title])
    notes = [
        f"{seeds} seeds, mean ± half of the 95 % interval; each figure is the mean over five facilities of {TEST} "
        f"frames that no site trained on, cut to {EDGE} pixels. Sites have {FEWEST_FRAMES} to {MOST_FRAMES} labelled "
        "frames.",
        f"{TASK.settings.public_frames} public frames for the start models, {TASK.settings.distillation_frames} others "
        f"to teach on, {TASK.settings.distillation_epochs} epochs at each barrier; FedKL, sync, {RULES['barriers']} "
        "barriers, 15 and then 5 epochs. Threshold 0.5.",
    ]
    return Table("What each network reaches", ["federation", "network", *METRICS], rows, notes)


def _against_the_best(found: Found) -> Table:
    """Compare, seed by seed, with the network that is best on average where all sites run it."""
    best = max(NETWORKS, key=lambda name: _average([s[name]["AUC"] for s in found[SINGLE[name].title]]))
    rows = []
    for arm in (APART, TAUGHT):
        for name in (*NETWORKS, AVERAGED):
            own = SINGLE[name].title if name in NETWORKS else SINGLE[best].title
            rows.append(
                [
                    arm.title,
                    name,
                    _gain(found, arm, name, SINGLE[best].title, best),
                    _gain(found, arm, name, own, name if name in NETWORKS else best),
                ]
            )
    columns = ["federation", "network", f"AUC over {best} at every site", "AUC over itself at every site"]
    note = f"The best single network is {best}. Gains are paired by seed; mean ± half of the 95 % interval."
    return Table("Against each network alone in a federation", columns, rows, [note])


def _gain(found: Found, arm: Arm, name: str, other: str, network: str) -> str:
    pairs = zip(found[arm.title], found[other], strict=True)
    return interval(mean_of_repeats([a[name]["AUC"] - b[network]["AUC"] for a, b in pairs]), "+")


def _mean(values: Sequence[float]) -> str:
    return interval(mean_of_repeats(list(values)))


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else nan


if __name__ == "__main__":
    main()
