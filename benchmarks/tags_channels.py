"""Does a channel of graininess help to tag rings of grains? Networks of three and four channels, judged on simulation.

    .venv/bin/python benchmarks/tags_channels.py --folder DIR [--device cuda] [--processes 5] [--seeds 40 41]
    .venv/bin/python benchmarks/tags_channels.py --folder DIR --table

The first call simulates and trains; results and weights of each job come into the folder, and a job that has them is
not run again. The second makes the table and looks at the real images; it needs no GPU. Every arm is trained by the
recipe of the packaged model, on images of the same sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from baselines.side_jobs import Job, Queue, run_all
from baselines.tags_channels_training import (
    ARMS,
    JUDGES,
    TINY,
    Arm,
    Budget,
    judge,
    probabilities,
    save_result,
    saved_state,
    simulate_judges,
    simulate_part,
    train,
)
from fedbragg.simulation.scattering.tag_names import TAGS
from harness import Table, machine, publish

SEEDS = (40, 41)
SCRIPT = str(Path(__file__))


class Plan:
    """Which jobs there are, and where their files lie."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.budget: Budget = TINY if options.tiny else Budget()
        self.trainings = [(arm, seed) for seed in options.seeds for arm in ARMS if arm.times == 1]
        self.trainings += [(arm, options.seeds[0]) for arm in ARMS if arm.times > 1]

    def queues(self) -> list[Queue]:
        """Return what to simulate, one core each, and what to train, on the device."""
        seen = dict.fromkeys(part for arm, seed in self.trainings for part in self.parts(arm, seed))
        images = [*list(seen)[: self.budget.parts], *self.judges(), *list(seen)[self.budget.parts :]]
        simulating = [self._job(path, (), "--simulate", path.stem) for path in images]
        needed = {(arm, seed): [*self.parts(arm, seed), *self.judges()] for arm, seed in self.trainings}
        training = [
            self._job(
                self.result(arm, seed), tuple(map(str, paths)), "--train", str(ARMS.index(arm)), str(seed)
            )
            for (arm, seed), paths in needed.items()
        ]
        return [Queue(simulating, self.options.simulators), Queue(training, self.options.processes)]

    def parts(self, arm: Arm, seed: int) -> list[Path]:
        """Return the files of an arm's training images."""
        return [self._scratch(f"{seed}-{number}") for number in range(arm.times * self.budget.parts)]

    def judges(self) -> list[Path]:
        """Return the files of the images that judge, of both kinds one after the other."""
        return [self._scratch("judge-0-0"), *self._fine()]

    def result(self, arm: Arm, seed: int) -> Path:
        """Return the file of what a training found; its weights lie beside it."""
        return Path(self.options.folder) / f"{arm.name.replace(',', '').replace(' ', '-')}-{seed}.json"

    def simulate(self, name: str) -> None:
        """Run one job of simulation."""
        path = self._scratch(name)
        if name.startswith("judge"):
            _, kind, number = name.split("-")
            return simulate_judges(self.budget, JUDGES[int(kind)], int(number), path)
        seed, number = name.split("-")
        return simulate_part(self.budget, int(seed), int(number), path)

    def train(self, arm: Arm, seed: int) -> None:
        """Run one training, and judge it."""
        state, seconds = train(arm, seed, self.budget, self.parts(arm, seed), self.options.device)
        found = {
            kind: dict(zip(("precisions", "images"), judge(state, paths), strict=True))
            for kind, paths in zip(JUDGES, (self.judges()[:1], self._fine()), strict=True)
        }
        about = {
            "arm": arm.name,
            "seed": seed,
            "seconds": seconds,
            "device": device_name(self.options.device),
        }
        save_result(self.result(arm, seed), state, about | found, self.budget)

    def _fine(self) -> list[Path]:
        return [self._scratch(f"judge-1-{number}") for number in range(self.budget.fine_parts)]

    def _scratch(self, name: str) -> Path:
        return Path(self.options.scratch) / f"{name}.safetensors"

    def _job(self, result: Path, after: tuple[str, ...], *what: str) -> Job:
        same = [f"--folder={self.options.folder}", f"--scratch={self.options.scratch}"]
        same += [f"--device={self.options.device}"] + (["--tiny"] if self.options.tiny else [])
        return Job(str(result), result, (SCRIPT, *what, *same), after)


def device_name(device: str) -> str:
    """Return what a table says that trainings ran on."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return machine()["processor"]


def table(plan: Plan) -> list[Table]:
    """Judge what is trained so far: simulated images as stored, real ones now."""
    found = {(arm, seed): plan.result(arm, seed) for arm, seed in plan.trainings}
    done = {key: (path, json.loads(path.read_text("utf-8"))) for key, path in found.items() if path.exists()}
    columns = [f"{arm.name}, seed {seed}" for arm, seed in done]
    tables = [_simulated(kind, columns, [result[kind] for _, result in done.values()]) for kind in JUDGES]
    seconds = ", ".join(f"{result['seconds']:.0f}" for _, result in done.values())
    devices = sorted({str(result["device"]) for _, result in done.values()})
    recipe = plan.budget.recipe
    notes = [
        f"Trained on {recipe.experiments} experiments x {recipe.images} images, the last arm on twice as many in "
        f"batches of twice the size; {recipe.epochs + recipe.last_epochs} epochs. Seconds of training: {seconds}, on "
        f"{', '.join(devices)}, several at a time.",
    ]
    tables[0] = Table(tables[0].question, tables[0].columns, tables[0].rows, notes)
    return tables + _real(columns, [path for path, _ in done.values()])


def _simulated(kind: str, columns: list[str], found: list[dict[str, list[float]]]) -> Table:
    values = np.array([one["precisions"] for one in found]).T
    rows = [
        [tag, found[0]["images"][k], *(f"{value:.3f}" for value in values[k])] for k, tag in enumerate(TAGS)
    ]
    means = ["mean", "", *(f"{value:.3f}" for value in np.nanmean(values, axis=0))]
    question = f"Average precision on simulated images of unseen experiments, {kind}"
    return Table(question, ("tag", "images with it", *columns), [*rows, means])


def _real(columns: list[str], paths: list[Path]) -> list[Table]:
    """Return the AUC on real images, where they are at hand: each trusted attribute and their mean."""
    from baselines import tags_real
    from baselines.tags_judging import as_read
    from fedbragg.metrics.roc import area_under_curve
    from fedbragg.tasks.tags.prepare import prepare

    if not tags_real.available():
        return []
    views = as_read(torch.stack([torch.from_numpy(prepare(frame).channels) for frame in tags_real.images()]))
    truth = tags_real.labels()
    scores = [probabilities(saved_state(path), views) for path in paths]
    areas = np.array(
        [
            [area_under_curve(truth[known, k] == 1, score[known, k]).value for score in scores]
            for k in map(TAGS.index, tags_real.TRUSTED)
            for known in [truth[:, k] >= 0]
        ]
    )
    rows = [
        [tag, *(f"{area:.3f}" for area in of_tag)]
        for tag, of_tag in zip(tags_real.TRUSTED, areas, strict=True)
    ]
    means = ["mean", *(f"{area:.3f}" for area in areas.mean(axis=0))]
    note = "Nothing is trained or chosen on them; each column is looked at once, after the choice by simulated images."
    return [Table("AUC on real images", ("attribute", *columns), [*rows, means], [note])]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", default=".cache/tags-channels", help="results and weights")
    parser.add_argument(
        "--scratch", default=str(Path(tempfile.gettempdir()) / "tags-channels"), help="images"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=2, help="trainings at a time")
    parser.add_argument("--simulators", type=int, default=os.cpu_count() or 1, help="simulations at a time")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--tiny", action="store_true", help="a budget that shows that everything runs")
    parser.add_argument("--table", action="store_true", help="publish what is in the folder")
    parser.add_argument("--simulate", help="one job, as the first call starts it")
    parser.add_argument("--train", type=int, nargs=2, metavar=("ARM", "SEED"), help="one job likewise")
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(options)
    if options.table:
        publish("tags_channels", table(plan))
    elif options.simulate:
        plan.simulate(options.simulate)
    elif options.train:
        plan.train(ARMS[options.train[0]], options.train[1])
    else:
        sys.exit(1 if run_all(plan.queues()) else 0)


if __name__ == "__main__":
    main()
