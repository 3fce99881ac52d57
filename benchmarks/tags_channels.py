"""Does a channel of graininess help to tag rings of grains? Networks of three and four channels, judged on simulation.

    .venv/bin/python benchmarks/tags_channels.py [--cache DIR] [--device cuda] [--processes 5] [--only jobs]

Every arm is trained by the recipe of the packaged model, on images of the same sizes. Results and weights are kept
under --cache, images under --scratch; a stopped training resumes. "--only tables" makes the tables of what
is kept, and looks at the real images; it needs neither images nor a GPU. "--package four-channels-40" writes that
training's weights as the packaged model.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import torch

from baselines.kept_jobs import Job, Running, kept, run
from baselines.tags_channels_training import (
    ARMS,
    JUDGES,
    TINY,
    Arm,
    Budget,
    Judges,
    Part,
    Training,
    probabilities,
)
from fedbragg.simulation.scattering.tag_names import TAGS
from harness import Table, publish

Trained = dict[tuple[Arm, int], dict[str, Any]]
"""The result of each training, by arm and seed."""


def trainings(options: argparse.Namespace) -> dict[tuple[Arm, int], Job]:
    """Return the trainings: those of the recipe's budget first, the larger ones of one seed last."""
    budget, found = budget_of(options), {}
    pairs = [(arm, seed) for seed in options.seeds for arm in ARMS if arm.times == 1]
    pairs += [(arm, options.seeds[0]) for arm in ARMS if 1 < arm.times <= options.most]
    judges = [
        [file_of(options, f"judge-{kind}-{n}") for n in range(number)] for kind, number in judging(budget)
    ]
    for arm, seed in pairs:
        parts = [file_of(options, f"{seed}-{n}") for n in range(arm.times * budget.parts)]
        weights = options.cache / f"{arm.file(seed)}.safetensors"
        found[arm, seed] = Job(arm.file(seed), Training(arm, seed, budget, parts, judges, weights))
    return found


def simulations(options: argparse.Namespace) -> list[Job]:
    """Return what is to be simulated: one arm's images, those that judge, then the other trainings' images."""
    budget = budget_of(options)
    names = [(seed, n) for seed in options.seeds for n in range(budget.parts)]
    most = max(arm.times for arm in ARMS if arm.times <= options.most)
    names += [(options.seeds[0], n) for n in range(budget.parts, most * budget.parts)]
    parts = [Job(f"{s}-{n}", Part(budget, s, n, file_of(options, f"{s}-{n}"))) for s, n in names]
    judges = [
        Job(f"judge-{kind}-{n}", Judges(budget, kind, n, file_of(options, f"judge-{kind}-{n}")))
        for kind, number in judging(budget)
        for n in range(number)
    ]
    return [*parts[: budget.parts], *judges, *parts[budget.parts :]]


def budget_of(options: argparse.Namespace) -> Budget:
    return TINY if options.tiny else Budget()


def judging(budget: Budget) -> list[tuple[int, int]]:
    """Return each kind of images that judge, and in how many parts they are simulated."""
    return list(enumerate((1, budget.fine_parts)))


def file_of(options: argparse.Namespace, name: str) -> Path:
    path: Path = options.scratch / f"{name}.safetensors"
    return path


def train_all(options: argparse.Namespace) -> None:
    """Simulate on all cores while networks train as soon as they have their images."""
    simulating = Running(options.scratch, options.simulators)
    thread = Thread(target=run, args=(simulations(options), simulating))
    thread.start()
    run(list(trainings(options).values()), Running(options.cache, options.processes, options.device))
    thread.join()


def tables(options: argparse.Namespace) -> list[Table]:
    """Judge what is trained so far: by simulated images as was kept, by real ones now."""
    running = Running(options.cache)
    jobs = trainings(options)
    found = {key: kept([job], running)[0] for key, job in jobs.items() if running.file(job.name).exists()}
    weights = [options.cache / f"{arm.file(seed)}.safetensors" for arm, seed in found]
    columns = [f"{arm.name}, seed {seed}" for arm, seed in found]
    return [*(_simulated(kind, found, columns) for kind in JUDGES), *_real(columns, weights)]


def _simulated(kind: str, found: Trained, columns: list[str]) -> Table:
    each = list(found.values())
    values = np.array([one[kind]["precisions"] for one in each]).T
    rows = [
        [tag, each[0][kind]["images"][k], *(f"{value:.3f}" for value in values[k])]
        for k, tag in enumerate(TAGS)
    ]
    means = ["mean", "", *(f"{value:.3f}" for value in np.nanmean(values, axis=0))]
    question = f"Average precision on simulated images of unseen experiments, {kind}"
    return Table(question, ("tag", "images with it", *columns), [*rows, means], [_budget(found)])


def _budget(found: Trained) -> str:
    each = list(found.values())
    recipe, devices = each[0]["recipe"], sorted({one["device"] for one in each})
    return (
        f"Trained on {recipe['experiments']} experiments x {recipe['images']} images, the last arm on twice as many in "
        f"batches of twice the size, {recipe['epochs'] + recipe['last_epochs']} epochs; "
        f"{', '.join(str(round(one['seconds'])) for one in each)} s, several at a time on {', '.join(devices)}."
    )


def _real(columns: list[str], weights: list[Path]) -> list[Table]:
    """Return the AUC on real images, where they are at hand: of each trusted attribute, and their mean."""
    from safetensors.numpy import load_file

    from baselines import tags_real
    from baselines.tags_judging import as_read
    from fedbragg.metrics.roc import area_under_curve
    from fedbragg.tasks.tags.prepare import prepare

    if not tags_real.available():
        return []
    views = as_read(torch.stack([torch.from_numpy(prepare(frame).channels) for frame in tags_real.images()]))
    scores = [probabilities(load_file(path), views) for path in weights]
    rows: list[list[float]] = []
    for k in map(TAGS.index, tags_real.TRUSTED):
        truth = tags_real.labels()[:, k]
        known = truth >= 0
        rows.append([area_under_curve(truth[known] == 1, score[known, k]).value for score in scores])
    shown = [
        [tag, *(f"{area:.3f}" for area in row)] for tag, row in zip(tags_real.TRUSTED, rows, strict=True)
    ]
    means = ["mean", *(f"{area:.3f}" for area in np.mean(rows, axis=0))]
    note = "Nothing is trained or chosen on them: the choice is made by the tables above."
    return [Table("AUC on real images", ("attribute", *columns), [*shown, means], [note])]


def package(name: str, folder: Path) -> None:
    """Write the packaged model from one training's weights."""
    from safetensors.numpy import load_file

    from fedbragg.tasks.tags import build
    from fedbragg.tasks.tags.model_file import PACKAGED

    found = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    made = {"made_by": "benchmarks/tags_channels.py", "device": found["device"], **found["recipe"]}
    build.write(load_file(folder / f"{name}.safetensors"), PACKAGED, made)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, default=Path(".cache/tags-channels"))
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "tags-channels")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=2, help="trainings at a time")
    parser.add_argument("--simulators", type=int, default=os.cpu_count() or 1, help="simulations at a time")
    parser.add_argument("--seeds", type=int, nargs="+", default=[40, 41])
    parser.add_argument(
        "--most", type=int, default=2, help="leave out arms of more than so many times the images"
    )
    parser.add_argument("--tiny", action="store_true", help="a budget that shows that everything runs")
    parser.add_argument("--only", choices=["jobs", "tables"])
    parser.add_argument("--package", metavar="TRAINING")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.package:
        return package(options.package, options.cache)
    if options.only != "tables":
        train_all(options)
    if options.only != "jobs":
        publish("tags_channels", tables(options))


if __name__ == "__main__":
    main()
