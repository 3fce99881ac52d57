"""Segmentation models trained on measured micrographs, each way over several seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from baselines import segments_real
from baselines.kept_jobs import Job, Running, kept
from baselines.phases_judging import interval
from baselines.segments_experiments import ALLOY, COATING, GRAINS, specimens
from baselines.segments_sites import FAST
from fedbragg.learn.state import load_state
from fedbragg.metrics.segmentation import confusion, overlaps
from fedbragg.models.onnx_file import read_state
from fedbragg.simulation.micrograph.structure import CLASSES
from fedbragg.tasks import segments
from fedbragg.tasks.segments import learner
from fedbragg.tasks.segments.data import SegmentData, concatenate
from fedbragg.tasks.segments.instances import Classes, most_probable
from fedbragg.tasks.segments.judge import agreement, summary
from fedbragg.tasks.segments.network import SegmentNet, new_network, with_classes
from fedbragg.tasks.segments.sources import Simulated, simulated
from fedbragg.workflows.train_segments import FITTING
from harness import Table

SEEDS = range(5)
MIXED_EPOCHS = 60
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


STARTS = ("packaged model", "random weights")
STEEL = ("matrix", "network", "spheroidite", "Widmanstätten")
ETCHED = ("packaged model, as it is", "packaged model, trained", "random weights, trained")
MIXTURES = [(share, simulate) for share in (0.35, 1.0) for simulate in (False, True)]


def _started(start: str, names: Sequence[str], seed: int) -> SegmentNet:
    """Return a network for these classes, from the packaged model or from random weights."""
    network = new_network(len(names), seed)
    if start.startswith("packaged model"):
        load_state(network, with_classes(read_state(segments.default_model()), CLASSES, names, seed))
    return network


def superalloy_jobs() -> list[Job]:
    """Return a training on the given superalloy pictures for each start and seed."""
    return [
        Job(f"alloy-{start.replace(' ', '')}-{seed}", partial(_superalloy, start, seed))
        for start in STARTS
        for seed in SEEDS
    ]


def _superalloy(start: str, seed: int, device: str) -> list[float]:
    network = _started(start, ALLOY, seed)
    learner.train(network, segments_real.superalloy("train"), replace(FITTING, device=device), seed)
    test = segments_real.superalloy("test")
    return _overlaps(test, lambda picture: learner.probabilities(network, picture)).tolist()


def superalloy_tables(running: Running) -> list[Table]:
    """Show the trained models' measures on the given test, from the packaged model and from random weights."""
    jobs, rows = superalloy_jobs(), []
    for start in STARTS:
        found = kept([job for job in jobs if start.replace(" ", "") in job.name], running)
        table = np.array([[np.mean(values), *values] for values in found])
        rows.append([start, *(interval(list(column)) for column in table.T)])
    train, test = segments_real.superalloy("train"), segments_real.superalloy("test")
    notes = [
        f"{len(train)} pictures of 512 x 512 train, {FITTING.epochs} epochs; {len(test)} of another spot judge."
    ]
    question = "Superalloy, trained on the given pictures: IoU on the given test"
    return [Table(question, ("start", "mean", *ALLOY), rows, notes)]


def coating_jobs() -> list[Job]:
    """Return a training on barrier coatings for each seed."""
    return [Job(f"coating-{seed}", partial(_coating, seed)) for seed in SEEDS]


def _coating(seed: int, device: str) -> dict[str, list[float]]:
    """Train on barrier coatings from the packaged model, and judge on new spots and on unseen specimens."""
    experiment = specimens(seed)
    train = concatenate([site.train for site in experiment.sites])
    network = new_network(len(COATING), seed)
    load_state(network, experiment.start)
    learner.train(network, train, replace(FITTING, device=device, precision=FAST), seed)
    return {
        test: _overlaps(data, lambda picture: learner.probabilities(network, picture)).tolist()
        for test, data in experiment.tests.items()
    }


def coating_tables(running: Running) -> list[Table]:
    """Show the models' measures on new spots and on unseen specimens."""
    found = kept(coating_jobs(), running)
    rows = [
        [test, *(interval(list(column)) for column in np.array([one[test] for one in found]).T)]
        for test in found[0]
    ]
    notes = [
        f"All sites' pictures of 1024 x 1024 in one place, {FITTING.epochs} epochs in {FAST}; each seed keeps two "
        "other specimens from training."
    ]
    question = "Barrier coating, trained on all other specimens: IoU"
    return [Table(question, ("judged by", *COATING), rows, notes)]


def steel_jobs() -> list[Job]:
    """Return a training on ultrahigh-carbon steel for each start and fold."""
    return [
        Job(f"steel-{start.replace(' ', '')}-{fold}", partial(_steel, start, fold))
        for start in STARTS
        for fold in range(len(segments_real.STEEL_FOLDS))
    ]


def _steel(start: str, fold: int, device: str) -> list[float]:
    """Train on all folds but one, and return the IoU of each class there and the share of pixels answered rightly."""
    judging = segments_real.STEEL_FOLDS[fold]
    every = segments_real.steel()
    train = SegmentData(tuple(one for number, one in every.items() if number not in judging), len(STEEL))
    test = SegmentData(tuple(every[number] for number in judging), len(STEEL))
    network = _started(start, STEEL, fold)
    learner.train(network, train, replace(FITTING, device=device, precision=FAST), fold)
    counts = _counts(test, lambda picture: learner.probabilities(network, picture))
    return [*overlaps(counts).tolist(), float(np.trace(counts) / counts.sum())]


def steel_tables(running: Running) -> list[Table]:
    """Show the models' measures on the micrographs of the fold that did not train, beside the published ones."""
    rows: list[list[str]] = []
    for start in STARTS:
        jobs = [job for job in steel_jobs() if start.replace(" ", "") in job.name]
        table = np.array([[np.mean(values[:-1]), *values] for values in kept(jobs, running)])
        if len(table):
            rows.append([f"{start}, trained", *(interval(list(column)) for column in table.T)])
    notes = [
        "24 micrographs of 484 x 645 in the six folds of those who labelled them: 20 train, "
        f"{FITTING.epochs} epochs in {FAST}, and 4 judge. Mean over folds with its 95 % interval.",
        "Published, with standard deviations over folds: PixelNet on VGG16's features, one micrograph left out at a "
        "time, mean 0.598 ± 0.114, matrix 0.474, network 0.658, spheroidite 0.879, Widmanstätten 0.383, accuracy "
        "0.864 (a report of the authors, bdecost/uhcs-segment, reports/uhcs-segment.org).",
    ]
    question = "Ultrahigh-carbon steel, four constituents: IoU on micrographs that did not train"
    return [Table(question, ("start", "mean", *STEEL, "accuracy"), rows, notes)]


def etched_jobs() -> list[Job]:
    """Return a training on half of the etched photographs for each way and seed."""
    return [
        Job(f"etched-{way.replace(' ', '').replace(',', '-')}-{seed}", partial(_etched, way, seed))
        for way in ETCHED
        for seed in SEEDS
    ]


def etched_tables(running: Running) -> list[Table]:
    """Show the models' measures on the other half."""
    jobs, rows = etched_jobs(), []
    for k, way in enumerate(ETCHED):
        found = kept(jobs[k * len(SEEDS) : (k + 1) * len(SEEDS)], running)
        rows.append([way, *(interval([one[shown] for one in found]) for shown in SHOWN)])
    number = len(segments_real.grain_boundaries())
    notes = [
        f"{number} photographs of 256 x 256, one of each sample; each seed draws the {number // 2} that train, "
        f"{FITTING.epochs} epochs, and the others judge."
    ]
    question = "Etched grains, trained on half of the photographs"
    return [Table(question, ("start", *SHOWN), rows, notes)]


def _etched(name: str, seed: int, device: str) -> dict[str, float]:
    """Return the measures of a model on the photographs that a seed leaves to judge."""
    photographs = segments_real.grain_boundaries()
    order = np.random.default_rng([seed, 30]).permutation(len(photographs))
    half = len(photographs) // 2
    train, test = (
        SegmentData(tuple(photographs.pictures[i] for i in part), 2) for part in (order[:half], order[half:])
    )
    network = _started(name, GRAINS, seed)
    if name.endswith("trained"):
        learner.train(network, train, replace(FITTING, device=device), seed)
    classes = Classes(GRAINS)
    table = [
        agreement(learner.probabilities(network, one.picture), one.labels, classes) for one in test.pictures
    ]
    return {measure: found.value for measure, found in summary(np.array(table), classes).items()}


def less_real_jobs() -> list[Job]:
    """Return a training for each share of the real pictures, with and without simulated ones, and seed."""
    return [
        Job(f"less-{share:g}-{simulate}-{seed}", partial(_with_less, share, simulate, seed))
        for share, simulate in MIXTURES
        for seed in SEEDS
    ]


def less_real_tables(running: Running) -> list[Table]:
    """Show the gain of simulated micrographs beside a third and all of the superalloy's pictures."""
    jobs, rows = less_real_jobs(), []
    for k, (share, simulate) in enumerate(MIXTURES):
        found = kept(jobs[k * len(SEEDS) : (k + 1) * len(SEEDS)], running)
        shown = [[one[i] for one in found] for i in (0, 2)]
        means = interval([(one[0] + one[2]) / 2 for one in found])
        rows.append([f"{share:.0%}", "yes" if simulate else "no", means, *map(interval, shown)])
    train, test = segments_real.superalloy("train"), segments_real.superalloy("test")
    notes = [
        f"{len(train)} pictures of 512 x 512 are 100 %; each seed draws the share. All take the same number of steps, "
        f"as many as {MIXED_EPOCHS} epochs of all pictures, from random weights; with simulated ones half of each "
        f"batch is simulated on average. Both precipitates count as one. {len(test)} pictures of another spot judge.",
        "Simulated: precipitates of the packaged simulator, every picture in a style of its own.",
    ]
    question = "Superalloy: simulated micrographs beside a third of the real ones, IoU on the given test"
    return [Table(question, ("real", "simulated", "mean", "matrix", "precipitate"), rows, notes)]


def _with_less(share: float, simulate: bool, seed: int, device: str) -> list[float]:
    """Return the IoU of every class after training on a share of the pictures, perhaps with simulated ones."""
    train, test = (as_packaged(segments_real.superalloy(part)) for part in ("train", "test"))
    chosen = np.random.default_rng([seed, 40]).permutation(len(train))[: max(1, round(share * len(train)))]
    data = SegmentData(tuple(train.pictures[i] for i in sorted(chosen)), train.classes)
    if simulate:
        wanted = Simulated(len(data), kinds=("precipitates",), side=train.pictures[0].labels.shape[0])
        data = concatenate([data, simulated(wanted, CLASSES, 90_000 + seed)])
    epochs = round(MIXED_EPOCHS * len(train) / len(data))
    network = new_network(len(CLASSES), seed)
    learner.train(network, data, replace(FITTING, epochs=epochs, device=device), seed)
    return _overlaps(test, lambda picture: learner.probabilities(network, picture)).tolist()


def _overlaps(data: SegmentData, answer: Shares) -> NDArray[np.float64]:
    return overlaps(_counts(data, answer))


def _counts(data: SegmentData, answer: Shares) -> NDArray[np.int64]:
    """Return how many pixels of each class got each answer, (classes, classes)."""
    counts = sum(
        confusion(one.labels, most_probable(answer(one.picture)), data.classes) for one in data.pictures
    )
    return np.asarray(counts)
