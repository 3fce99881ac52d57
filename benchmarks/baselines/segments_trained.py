"""Segmentation models trained on measured micrographs, each way over several seeds."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from baselines import segments_real
from baselines.phases_judging import interval
from baselines.segments_experiments import ALLOY, COATING, GRAINS, specimens
from fedbragg.learn.state import load_state
from fedbragg.metrics.segmentation import confusion, overlaps
from fedbragg.models.onnx_file import read_state
from fedbragg.simulation.micrograph.structure import CLASSES
from fedbragg.tasks import segments
from fedbragg.tasks.segments import learner
from fedbragg.tasks.segments.data import SegmentData, concatenate
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.judge import agreement, summary
from fedbragg.tasks.segments.network import new_network, with_classes
from fedbragg.tasks.segments.sources import Simulated, simulated
from fedbragg.workflows.train_segments import FITTING
from harness import Table

SEEDS = range(5)
MIXED_EPOCHS = 24
"""Epochs of all real pictures, as many steps as every mixture takes."""
SHOWN = ("mean IoU", "MAP", "boundary F1", "Rand error", "information")
Shares = Callable[[NDArray[np.generic]], NDArray[np.floating]]
"""From a picture to the probability of each class at each pixel, (classes, rows, cols)."""


def as_packaged(*parts: SegmentData) -> SegmentData:
    """Return the superalloy with both precipitates as the packaged model's one."""
    pictures = [one for part in parts for one in part.pictures]
    return SegmentData(
        tuple(replace(one, labels=np.where(one.labels > 0, 2, 0).astype(np.uint8)) for one in pictures), 3
    )


def superalloy(options: argparse.Namespace) -> list[Table]:
    """Train on the given superalloy pictures, from the packaged model and from nothing, and judge on the given test."""
    if not segments_real.available():
        print("no measured micrographs: that table keeps its last state")
        return []
    train, test = segments_real.superalloy("train"), segments_real.superalloy("test")
    known = read_state(segments.default_model())
    rows = []
    for name in ("packaged model", "random weights"):
        found = []
        for seed in SEEDS:
            network = new_network(len(ALLOY), seed)
            if name == "packaged model":
                load_state(network, with_classes(known, CLASSES, ALLOY, seed))
            learner.train(network, train, FITTING, seed)
            found.append(
                _overlaps(test, lambda picture, network=network: learner.probabilities(network, picture))
            )
            print(name, seed, found[-1].round(3), flush=True)
        table = np.array([[values.mean(), *values] for values in found])
        rows.append([name, *(interval(list(column)) for column in table.T)])
    notes = [
        f"{len(train)} pictures of 512 x 512 train, {FITTING.epochs} epochs; {len(test)} of another spot judge."
    ]
    return [
        Table(
            "Superalloy, trained on the given pictures: IoU on the given test",
            ("start", "mean", *ALLOY),
            rows,
            notes,
        )
    ]


def coating(options: argparse.Namespace) -> list[Table]:
    """Train on barrier coatings from the packaged model, and judge on new spots and on unseen specimens."""
    if not segments_real.available():
        print("no measured micrographs: that table keeps its last state")
        return []
    found: dict[str, list[NDArray[np.float64]]] = {}
    for seed in SEEDS:
        experiment = specimens(seed)
        train = concatenate([site.train for site in experiment.sites])
        network = new_network(len(COATING), seed)
        load_state(network, experiment.start)
        learner.train(network, train, FITTING, seed)
        for test, data in experiment.tests.items():
            values = _overlaps(data, lambda picture, net=network: learner.probabilities(net, picture))
            found.setdefault(test, []).append(values)
            print(test, seed, values.round(3), flush=True)
    rows = [[test, *(interval(list(column)) for column in np.array(each).T)] for test, each in found.items()]
    notes = [
        f"All sites' pictures of 1024 x 1024 in one place, {FITTING.epochs} epochs; each seed keeps two other "
        "specimens from training."
    ]
    return [
        Table("Barrier coating, trained on all other specimens: IoU", ("judged by", *COATING), rows, notes)
    ]


def etched(options: argparse.Namespace) -> list[Table]:
    """Train on half of the etched photographs, from the packaged model and from nothing, and judge on the others."""
    if not segments_real.available():
        print("no measured micrographs: that table keeps its last state")
        return []
    photographs = segments_real.grain_boundaries()
    rows = []
    for name in ("packaged model, as it is", "packaged model, trained", "random weights, trained"):
        found = [_etched(photographs, name, seed) for seed in SEEDS]
        print(name, found, flush=True)
        rows.append([name, *(interval([one[shown] for one in found]) for shown in SHOWN)])
    notes = [
        f"{len(photographs)} photographs of 256 x 256, one of each sample; each seed draws the "
        f"{len(photographs) // 2} that train, {FITTING.epochs} epochs, and the others judge."
    ]
    question = "Etched grains, trained on half of the photographs"
    return [Table(question, ("start", *SHOWN), rows, notes)]


def _etched(photographs: SegmentData, name: str, seed: int) -> dict[str, float]:
    """Return the measures of a model on the photographs that a seed leaves to judge."""
    order = np.random.default_rng([seed, 30]).permutation(len(photographs))
    half = len(photographs) // 2
    train, test = (
        SegmentData(tuple(photographs.pictures[i] for i in part), 2) for part in (order[:half], order[half:])
    )
    network = new_network(len(GRAINS), seed)
    if name.startswith("packaged"):
        load_state(network, with_classes(read_state(segments.default_model()), CLASSES, GRAINS, seed))
    if name.endswith("trained"):
        learner.train(network, train, FITTING, seed)
    classes = Classes(GRAINS)
    table = [
        agreement(learner.probabilities(network, one.picture), one.labels, classes) for one in test.pictures
    ]
    return {measure: found.value for measure, found in summary(np.array(table), classes).items()}


def less_real(options: argparse.Namespace) -> list[Table]:
    """Train on a third or all of the superalloy's pictures, with and without as many simulated ones, from nothing."""
    if not segments_real.available():
        print("no measured micrographs: that table keeps its last state")
        return []
    train, test = (as_packaged(segments_real.superalloy(part)) for part in ("train", "test"))
    rows = []
    for share in (0.35, 1.0):
        for simulate in (False, True):
            found = [_with_less(train, test, (share, simulate), seed) for seed in SEEDS]
            print(share, simulate, found, flush=True)
            shown = [[one[i] for one in found] for i in (0, 2)]
            means = interval([(one[0] + one[2]) / 2 for one in found])
            rows.append([f"{share:.0%}", "yes" if simulate else "no", means, *map(interval, shown)])
    notes = [
        f"{len(train)} pictures of 512 x 512 are 100 %; each seed draws the share. All take the same number of steps, "
        f"as many as {MIXED_EPOCHS} epochs of all pictures, from random weights; with simulated ones half of each "
        f"batch is simulated on average. Both precipitates count as one. {len(test)} pictures of another spot judge.",
        "Simulated: precipitates of the packaged simulator, every picture in a style of its own.",
    ]
    question = "Superalloy: simulated micrographs beside a third of the real ones, IoU on the given test"
    return [Table(question, ("real", "simulated", "mean", "matrix", "precipitate"), rows, notes)]


def _with_less(
    train: SegmentData, test: SegmentData, how: tuple[float, bool], seed: int
) -> NDArray[np.float64]:
    """Return the IoU of every class after training on a share of the pictures, perhaps with simulated ones."""
    share, simulate = how
    chosen = np.random.default_rng([seed, 40]).permutation(len(train))[: max(1, round(share * len(train)))]
    data = SegmentData(tuple(train.pictures[i] for i in sorted(chosen)), train.classes)
    if simulate:
        wanted = Simulated(len(data), kinds=("precipitates",), side=train.pictures[0].labels.shape[0])
        data = concatenate([data, simulated(wanted, CLASSES, 90_000 + seed)])
    epochs = round(MIXED_EPOCHS * len(train) / len(data))
    network = new_network(len(CLASSES), seed)
    learner.train(network, data, replace(FITTING, epochs=epochs), seed)
    return _overlaps(test, lambda picture: learner.probabilities(network, picture))


def _overlaps(data: SegmentData, answer: Shares) -> NDArray[np.float64]:
    counts = sum(
        confusion(one.labels, answer(one.picture).argmax(axis=0).astype(np.uint8), data.classes)
        for one in data.pictures
    )
    return overlaps(np.asarray(counts))
