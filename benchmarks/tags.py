"""What scattering images show: ours against plain, augmented and healed-first networks, on clean and on spoilt images.

    .venv/bin/python benchmarks/tags.py [robustness] [shipped] [real] [resnet] [federated] [--processes 2]

Networks learn from simulated experiments and are judged by others; real images only judge. Rows are means over 5
seeds with 95 % intervals (Student's t); a seed draws its own training experiments, first weights and order. Tables not
asked for keep their last state. Trained networks are kept under --cache.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines import tags_arms, tags_real
from baselines.phases_judging import interval
from baselines.tags_conditions import CONDITIONS, Change, cases, gaps, real_masks
from fedbragg.metrics.average_precision import average_precision
from fedbragg.metrics.roc import area_under_curve
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks import tags
from fedbragg.tasks.tags.prepare import prepare
from fedbragg.types import Frame
from harness import RESULTS, Table, publish

SEEDS = range(5)
EXPERIMENTS, IMAGES = 250, 4
"""Unseen experiments, and images of each, that judge every condition."""
MASKED_EXPERIMENTS = 60
"""Of each real mask."""
FEWEST = 5
"""Positives without which a tag's average precision is not taken."""

Answers = Callable[[Tensor], NDArray[np.float64]]


def views_and_tags(change: Change, experiments: int) -> tuple[Tensor, NDArray[np.int8]]:
    views, truth = [], []
    for case in cases(change, experiments, IMAGES):
        views.append(torch.from_numpy(prepare(Frame(case.counts, case.mask, "", 0)).channels).half())
        truth.append(case.tags)
    return torch.stack(views), np.array(truth)


def precisions(truth: NDArray[np.int8], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the average precision of each tag (tags,); NaN where too few images have it."""
    found = []
    for t, s in zip(truth.T, scores.T, strict=True):
        known = t >= 0
        enough = (t == 1).sum() >= FEWEST and (t == 0).sum() >= FEWEST
        found.append(average_precision(t[known] == 1, s[known]).value if enough else np.nan)
    return np.array(found)


def robustness(options: argparse.Namespace) -> list[Table]:
    """Judge every arm under every condition; once by tag on clean images."""
    tags_arms.train_all(SEEDS, options.cache, options.processes)
    changes = [(name, change, EXPERIMENTS) for name, change in CONDITIONS.items()]
    changes += [(f"gaps of {name}", gaps(mask), MASKED_EXPERIMENTS) for name, mask in real_masks().items()]
    by_condition: dict[str, dict[str, list[NDArray[np.float64]]]] = {}
    for name, change, experiments in changes:
        views, truth = views_and_tags(change, experiments)
        by_condition[name] = {arm.name: _of_seeds(arm, views, truth, options.cache) for arm in tags_arms.ARMS}
        by_condition[name]["shipped model"] = [precisions(truth, _shipped(views))]
        print(
            name,
            {arm: round(float(np.nanmean(p)), 3) for arm, p in by_condition[name].items()},
            file=sys.stderr,
            flush=True,
        )
    return [_grid(by_condition), _by_tag(by_condition["clean"])]


def _of_seeds(
    arm: tags_arms.Arm, views: Tensor, truth: NDArray[np.int8], cache: Path
) -> list[NDArray[np.float64]]:
    seen = arm.see(views)
    blind = tags_arms.Arm(
        arm.name, tags_arms.everything, arm.polar, arm.augment
    )  # seen is what the arm sees already
    return [
        precisions(truth, tags_arms.score(tags_arms.trained(arm, seed, cache), blind, seen)) for seed in SEEDS
    ]


def _shipped(views: Tensor) -> NDArray[np.float64]:
    session = tags.open_model(tags.default_model())._tagger._session  # noqa: SLF001  views are prepared already
    return np.concatenate(
        [session.run(None, {"views": part.float().numpy()})[0] for part in views.split(32)]
    ).astype(float)


def _grid(by_condition: dict[str, dict[str, list[NDArray[np.float64]]]]) -> Table:
    arms = [*(arm.name for arm in tags_arms.ARMS), "shipped model"]
    rows = []
    for name, found in by_condition.items():
        rows.append([name, *(interval([float(np.nanmean(p)) for p in found[arm]]) for arm in arms)])
    masks = [found for name, found in by_condition.items() if name.startswith("gaps of")]
    if masks:
        rows.append(["gaps, mean over masks", *(_mean_of(masks, arm) for arm in arms)])
    notes = [
        f"Training of each seed: {tags_arms.EXPERIMENTS} experiments x {tags_arms.IMAGES} images, {tags_arms.EPOCHS} "
        f"epochs, one core. Judged by {EXPERIMENTS} x {IMAGES} images of 256 x 256 of unseen experiments "
        f"({MASKED_EXPERIMENTS} x "
        f"{IMAGES} for each mask); tags with {FEWEST} images or more; open ones are left out.",
        "Noise on the logarithm: 5 % of its range; salt and pepper: 2 % of the pixels. Photons: mean counts a pixel; "
        "tags are those that can still be seen at that exposure. Gaps: of the real masks, and tags that they hide are "
        "no tags.",
        "The shipped model is one training, larger.",
    ]
    return Table("Mean average precision by condition", ("condition", *arms), rows, notes)


def _mean_of(masks: Sequence[dict[str, list[NDArray[np.float64]]]], arm: str) -> str:
    seeds = len(masks[0][arm])
    return interval([float(np.mean([np.nanmean(found[arm][s]) for found in masks])) for s in range(seeds)])


def _by_tag(clean: dict[str, list[NDArray[np.float64]]]) -> Table:
    arms = list(clean)
    rows = [
        [tag, *(interval([float(p[k]) for p in clean[arm]]) for arm in arms)] for k, tag in enumerate(TAGS)
    ]
    return Table("Average precision of each tag on clean images", ("tag", *arms), rows)


def real(options: argparse.Namespace) -> list[Table]:
    """Judge by the real images: AUC of each attribute that a person can judge by eye."""
    if not tags_real.available():
        print("no real images under ../shared/data/tags: that table keeps its last state", file=sys.stderr)
        return []
    views = torch.stack([torch.from_numpy(prepare(frame).channels).half() for frame in tags_real.images()])
    truth = tags_real.labels()
    columns: dict[str, list[NDArray[np.float64]]] = {"shipped model": [_shipped(views)]}
    if options.cache.is_dir():
        for arm in tags_arms.ARMS:
            columns[arm.name] = [
                tags_arms.score(tags_arms.trained(arm, seed, options.cache), arm, views) for seed in SEEDS
            ]
    rows = [
        [tag, *_counts(truth, tag), *(_areas(truth, tag, found) for found in columns.values())]
        for tag in TAGS
    ]
    rows = [row for row in rows if row[1] and row[2]]
    trusted = ["mean of the trusted", "", "", *(_mean_area(truth, found) for found in columns.values())]
    notes = [
        f"{len(views)} images of 16 instruments, labelled by eye; nothing is trained or chosen on them. Trusted: "
        f"{', '.join(tags_real.TRUSTED)}. Intervals of the shipped model: Newcombe's; of the others: over 5 seeds."
    ]
    return [Table("AUC on real images", ("attribute", "there", "not", *columns), [*rows, trusted], notes)]


def _counts(truth: NDArray[np.float32], tag: str) -> tuple[int, int]:
    column = truth[:, TAGS.index(tag)]
    return int((column == 1).sum()), int((column == 0).sum())


def _areas(truth: NDArray[np.float32], tag: str, found: Sequence[NDArray[np.float64]]) -> str:
    column = truth[:, TAGS.index(tag)]
    known = column >= 0
    areas = [area_under_curve(column[known] == 1, scores[known, TAGS.index(tag)]) for scores in found]
    return str(areas[0]) if len(areas) == 1 else interval([area.value for area in areas])


def _mean_area(truth: NDArray[np.float32], found: Sequence[NDArray[np.float64]]) -> str:
    return interval(
        [
            float(np.mean([float(_areas(truth, tag, [one]).split()[0]) for tag in tags_real.TRUSTED]))
            for one in found
        ]
    )


def resnet(options: argparse.Namespace) -> list[Table]:
    from baselines.tags_resnet import judged

    return [judged(options)]


def federated(options: argparse.Namespace) -> list[Table]:
    from baselines.tags_sites import judged

    return [judged(options)]


PARTS = {f.__name__: f for f in (robustness, real, resnet, federated)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path(".cache/tags"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.parts:
        for table in PARTS[name](options):
            publish("tags", _merged(table))


def _merged(table: Table) -> list[Table]:
    """Return the last run's tables with this one in its place."""
    path = RESULTS / "tags.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["tables"] if path.is_file() else []
    tables = [table if old["question"] == table.question else Table(**old) for old in kept]
    return tables if any(t is table for t in tables) else [*tables, table]


if __name__ == "__main__":
    main()
