"""Compare taggers of scattering images: ours, plain, augmented and healed-first networks, on clean and spoilt images.

    .venv/bin/python benchmarks/tags.py [packaged] [robustness] [real] [resnet] [federated] [--device cpu]

Networks learn from simulated experiments and are judged by others; real images only judge. Rows are means over 5
seeds with 95 % intervals (Student's t); a seed draws its own training experiments, first weights and order. Tables not
asked for keep their last state. Trained networks, and what each seed of resnet and federated found, are kept under
--cache; these two train on --device, and "--only jobs" leaves their tables to a call with "--only tables".
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines import tags_arms
from baselines.kept_jobs import Job, Running, kept, run
from baselines.tags_conditions import CONDITIONS, gaps, real_masks
from baselines.tags_judging import EXPERIMENTS, FEWEST, IMAGES, as_read, precisions, views_and_tags
from fedbragg.metrics.roc import area_under_curve
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks import tags
from fedbragg.tasks.tags.prepare import TagView, prepare
from harness import Table, publish, with_kept

SEEDS = range(5)
MASKED_EXPERIMENTS = 60
"""Experiments under each real mask."""

PACKAGED = "packaged model"
JUDGED = (
    f"Judged by {EXPERIMENTS} x {IMAGES} images of 256 x 256, {MASKED_EXPERIMENTS} x {IMAGES} for each mask, of unseen "
    f"experiments; by tags that {FEWEST} images or more have and as many lack; tags left open are left out.",
    "Noise on the logarithm: 5 % of its range; salt and pepper: 2 % of the pixels. Photons: mean counts a pixel; tags "
    "are those that can still be seen at that exposure. Gaps: of the real masks, and tags that they hide are no tags.",
)

ByCondition = dict[str, dict[str, list[NDArray[np.float64]]]]
"""Average precisions (tags,) of each seed, by condition and arm."""


def conditions() -> Iterator[tuple[str, Tensor, NDArray[np.int8]]]:
    """Yield each condition's name, views and tags."""
    changes = [(name, change, EXPERIMENTS) for name, change in CONDITIONS.items()]
    changes += [(f"gaps of {name}", gaps(mask), MASKED_EXPERIMENTS) for name, mask in real_masks().items()]
    for name, change, experiments in changes:
        yield name, *views_and_tags(change, experiments)


def robustness(options: argparse.Namespace) -> list[Table]:
    """Judge every arm under every condition; once by tag on clean images."""
    tags_arms.train_all(SEEDS, options.cache, options.processes)
    found: ByCondition = {}
    for name, views, truth in conditions():
        found[name] = {arm.name: _of_seeds(arm, views, truth, options.cache) for arm in tags_arms.ARMS}
        _say(name, found[name])
    arms = [arm.name for arm in tags_arms.ARMS]
    notes = [
        f"Training of each seed: {tags_arms.EXPERIMENTS} experiments x {tags_arms.IMAGES} images, {tags_arms.EPOCHS} "
        "epochs, one core.",
        *JUDGED,
    ]
    grid = Table("Mean average precision by condition", ("condition", *arms), _grid(found, arms), notes)
    by_tag = Table(
        "Average precision of each tag on clean images", ("tag", *arms), _by_tag(found["clean"], arms)
    )
    return [grid, by_tag]


def packaged(options: argparse.Namespace) -> list[Table]:
    """Judge the packaged model under every condition, by tag on clean images, and where it finds the beam."""
    found: ByCondition = {}
    for name, views, truth in conditions():
        found[name] = {PACKAGED: [precisions(truth, _packaged(views))]}
        _say(name, found[name])
    clean = float(np.nanmean(found["clean"][PACKAGED][0]))
    rows = [[*row, f"{float(str(row[1])) - clean:+.3f}"] for row in _grid(found, [PACKAGED])]
    notes = ["One training, larger than those that are compared above.", *JUDGED]
    question = "Mean average precision of the packaged model by condition"
    grid = Table(question, ("condition", "mAP", "against clean"), rows, notes)
    by_tag = Table(
        "Average precision of each tag, packaged model, clean images",
        ("tag", "AP"),
        _by_tag(found["clean"], [PACKAGED]),
    )
    return [grid, by_tag]


def _say(name: str, found: dict[str, list[NDArray[np.float64]]]) -> None:
    means = {arm: round(float(np.nanmean(p)), 3) for arm, p in found.items()}
    print(name, means, file=sys.stderr, flush=True)


def _of_seeds(
    arm: tags_arms.Arm, views: Tensor, truth: NDArray[np.int8], cache: Path
) -> list[NDArray[np.float64]]:
    seen = arm.see(as_read(views))
    return [precisions(truth, tags_arms.score(tags_arms.trained(arm, seed, cache), seen)) for seed in SEEDS]


def _packaged(views: Tensor) -> NDArray[np.float64]:
    tagger = tags.open_model(tags.default_model()).tagger
    whole = (TagView(view.float().numpy(), (0, 0), 1.0) for view in views)
    return np.array([tagger(view).probabilities for view in whole])


def _grid(found: ByCondition, arms: Sequence[str]) -> list[list[object]]:
    rows: list[list[object]] = [
        [name, *(_interval([float(np.nanmean(p)) for p in of_arm[arm]]) for arm in arms)]
        for name, of_arm in found.items()
    ]
    masks = [of_arm for name, of_arm in found.items() if name.startswith("gaps of")]
    return [*rows, ["gaps, mean over masks", *(_mean_of(masks, arm) for arm in arms)]] if masks else rows


def _mean_of(masks: Sequence[dict[str, list[NDArray[np.float64]]]], arm: str) -> str:
    seeds = range(len(masks[0][arm]))
    return _interval([float(np.mean([np.nanmean(found[arm][seed]) for found in masks])) for seed in seeds])


def _by_tag(clean: dict[str, list[NDArray[np.float64]]], arms: Sequence[str]) -> list[list[object]]:
    return [
        [tag, *(_interval([float(p[k]) for p in clean[arm]]) for arm in arms)] for k, tag in enumerate(TAGS)
    ]


def _interval(values: list[float]) -> str:
    from baselines.phases_judging import interval  # needs more packages than training does

    return interval(values) if len(values) > 1 else f"{values[0]:.3f}"


def real(options: argparse.Namespace) -> list[Table]:
    """Judge by the real images: AUC of each attribute that a person can judge by eye."""
    from baselines import tags_real

    if not tags_real.available():
        print("no real images under ../shared/data/tags: that table keeps its last state", file=sys.stderr)
        return []
    views = torch.stack([torch.from_numpy(prepare(frame).channels).half() for frame in tags_real.images()])
    truth = tags_real.labels()
    columns: dict[str, list[NDArray[np.float64]]] = {PACKAGED: [_packaged(views)]}
    if options.cache.is_dir():  # trained by the part robustness
        for arm in tags_arms.ARMS:
            columns[arm.name] = [
                tags_arms.score(tags_arms.trained(arm, seed, options.cache), arm.see(as_read(views)))
                for seed in SEEDS
            ]
    rows = [
        [tag, *_counts(truth, tag), *(_areas(truth, tag, found) for found in columns.values())]
        for tag in TAGS
    ]
    rows = [row for row in rows if row[1] and row[2]]
    trusted = ["mean of the trusted", "", "", *(_mean_area(truth, found) for found in columns.values())]
    notes = [
        f"{len(views)} images of 16 instruments, labelled by eye; nothing is trained or chosen on them. Trusted: "
        f"{', '.join(tags_real.TRUSTED)}. Intervals of the packaged model: Newcombe's; of the others: over 5 seeds."
    ]
    return [Table("AUC on real images", ("attribute", "there", "not", *columns), [*rows, trusted], notes)]


def _counts(truth: NDArray[np.float32], tag: str) -> tuple[int, int]:
    column = truth[:, TAGS.index(tag)]
    return int((column == 1).sum()), int((column == 0).sum())


def _areas(truth: NDArray[np.float32], tag: str, found: Sequence[NDArray[np.float64]]) -> str:
    column = truth[:, TAGS.index(tag)]
    known = column >= 0
    areas = [area_under_curve(column[known] == 1, scores[known, TAGS.index(tag)]) for scores in found]
    return str(areas[0]) if len(areas) == 1 else _interval([area.value for area in areas])


def _mean_area(truth: NDArray[np.float32], found: Sequence[NDArray[np.float64]]) -> str:
    from baselines import tags_real

    return _interval(
        [
            float(np.mean([float(_areas(truth, tag, [one]).split()[0]) for tag in tags_real.TRUSTED]))
            for one in found
        ]
    )


def resnet(options: argparse.Namespace) -> list[Table]:
    from baselines.tags_resnet import one_seed, table

    found = _by_seed("resnet", one_seed, options)
    return [table(found)] if found and options.only != "jobs" else []


def federated(options: argparse.Namespace) -> list[Table]:
    from baselines.tags_sites import one_seed, table

    found = _by_seed("federated", one_seed, options)
    return [table(found)] if found and options.only != "jobs" else []


def _by_seed(part: str, one_seed: Callable[[int, str], Any], options: argparse.Namespace) -> list[Any]:
    """Run one job for each seed, and return what those that ended have found."""
    running = Running(options.cache, options.processes, options.device)
    jobs = [Job(f"{part}-{seed}", partial(one_seed, seed)) for seed in SEEDS]
    if options.only != "tables":
        run(jobs, running)
    return kept(jobs, running)


PARTS = {f.__name__: f for f in (packaged, robustness, real, resnet, federated)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path(".cache/tags"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=["jobs", "tables"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.parts:
        for table in PARTS[name](options):
            publish("tags", with_kept("tags", table))


if __name__ == "__main__":
    main()
