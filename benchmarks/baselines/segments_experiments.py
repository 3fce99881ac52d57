"""The sites' data in each experiment: simulated laboratories, superalloy by style, coatings by specimen."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file

from baselines import segments_real
from baselines.segments_sites import Budget, Experiment, Runs
from fedbragg.learn.settings import FitSettings
from fedbragg.models.onnx_file import read_state
from fedbragg.simulation.micrograph.structure import CLASSES
from fedbragg.simulation.micrograph.style import draw_style
from fedbragg.tasks import segments
from fedbragg.tasks.segments import learner
from fedbragg.tasks.segments.data import LabelledPicture, SegmentData, concatenate
from fedbragg.tasks.segments.network import new_network, with_classes
from fedbragg.tasks.segments.sources import Simulated, simulated
from fedbragg.types import State
from fedbragg.workflows.site_data import SiteData

GRAINS = ("matrix", "boundary")
ALLOY = ("matrix", "secondary", "tertiary")
COATING = ("background", "oxide", "crack")
LABORATORIES, PICTURES, JUDGING = 4, 16, 8
"""Simulated laboratories, pictures of each that train, and that judge."""
START_PICTURES, START_EPOCHS = 64, 8
"""The pictures of the laboratories' start model, in one style that none of them has."""
KEPT = Path(".cache/segments/laboratories")
HELD_OUT_SPECIMENS = 2
BUDGET = Budget(warmup=12, epochs=4, barriers=13)


def laboratories(seed: int) -> Experiment:
    """Return simulated laboratories, each with a style and with grains of its own; the start knows another style."""
    sites = [_site(f"lab{k}", _pictures(seed, k, PICTURES, "train")) for k in range(LABORATORIES)]
    tests = [_pictures(seed, k, JUDGING, "test") for k in range(LABORATORIES)]
    start = {name: tensor.numpy() for name, tensor in load_file(_start(seed)).items()}
    return Experiment(GRAINS, tuple(sites), {"all four styles": concatenate(tests)}, start, BUDGET)


def prepare_laboratories(seed: int, device: str) -> None:
    """Simulate the pictures of a seed's laboratories, and train their start model, so that all arms use the same."""
    for k in range(LABORATORIES):
        _pictures(seed, k, PICTURES, "train")
        _pictures(seed, k, JUDGING, "test")
    network = new_network(len(GRAINS), seed)
    data = _pictures(seed, LABORATORIES, START_PICTURES, "start")
    fitting = FitSettings(START_EPOCHS, batch=8, learning_rate=2e-3, annealed=True, device=device)
    learner.train(network, data, fitting, seed)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, _start(seed))


def _start(seed: int) -> Path:
    return KEPT / f"start-{seed}.safetensors"


def _pictures(seed: int, k: int, number: int, what: str) -> SegmentData:
    """Return pictures of one laboratory, or in the style that no laboratory has."""
    generator = np.random.default_rng([seed, 700])
    styles = [draw_style(generator) for _ in range(LABORATORIES + 1)]
    wanted = Simulated(number, 1, lambda _: styles[k], ("grains",))
    first = 1_000 * ["train", "test", "start"].index(what) + 70_000
    return _kept(f"{what}-{k}-{seed}", lambda: simulated(wanted, GRAINS, first + 10 * seed + k))


def _kept(name: str, make: Callable[[], SegmentData]) -> SegmentData:
    """Return simulated micrographs from a file, else make them and write it: all arms need the same."""
    path = KEPT / f"{name}.npz"
    if not path.exists():
        made = make().pictures
        KEPT.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{name}.{os.getpid()}.npz")
        np.savez(fresh, pictures=[one.picture for one in made], labels=[one.labels for one in made])
        fresh.replace(path)
    with np.load(path) as file:
        pairs = zip(file["pictures"], file["labels"], strict=True)
        return SegmentData(tuple(LabelledPicture(*pair) for pair in pairs), len(GRAINS))


def superalloy(seed: int) -> Experiment:
    """Return two sites, one for each style of imaging."""
    sites = [_site(style, segments_real.superalloy("train", f"_{style}_")) for style in ("0d", "180d")]
    tests = {"given test": segments_real.superalloy("test")}
    return Experiment(ALLOY, tuple(sites), tests, _packaged(ALLOY, seed), BUDGET)


def unseen_style(seed: int) -> Experiment:
    """Return five sites, one for each spot, all imaged in one style; every picture of the other style judges."""
    seen, unseen = ("0d", "180d") if seed % 2 else ("180d", "0d")
    spots = segments_real.superalloy("train", f"_{seen}_")
    sites = [_site(f"spot{k}", spots[k : k + 1]) for k in range(len(spots))]
    other = [segments_real.superalloy(part, f"_{unseen}_") for part in ("train", "val", "test")]
    tests = {"style that nobody has": concatenate(other)}
    return Experiment(ALLOY, tuple(sites), tests, _packaged(ALLOY, seed), BUDGET)


def specimens(seed: int) -> Experiment:
    """Return a site for each specimen; two specimens that no site has judge, and new spots of the others."""
    names = segments_real.specimens()
    away = [names[(HELD_OUT_SPECIMENS * seed + k) % len(names)] for k in range(HELD_OUT_SPECIMENS)]
    sites = []
    for name in names:
        data = segments_real.coating("train", name)
        if name not in away and len(data):
            sites.append(_site(name, data))
    spots = [segments_real.coating("val", name) for name in names if name not in away]
    unseen = [segments_real.coating(part, name) for part in ("train", "val") for name in away]
    tests = {"new spots": concatenate(spots), "new specimens": concatenate(unseen)}
    return Experiment(COATING, tuple(sites), tests, _packaged(COATING, seed), BUDGET)


RUNS = {
    "laboratories": Runs("laboratories", laboratories),
    "superalloy": Runs("superalloy", superalloy),
    "unseen-style": Runs(
        "unseen-style",
        unseen_style,
        ("FedAvg", "FedAvg + drawn", "FedAvg + fixed", "pooled"),
    ),
    "specimens": Runs(
        "specimens", specimens, ("each alone", "FedAvg", "FedAvg + statistics", "FedAvg + fixed", "pooled")
    ),
}


def _packaged(names: Sequence[str], seed: int) -> State:
    return with_classes(read_state(segments.default_model()), CLASSES, names, seed)


def _site(name: str, data: SegmentData) -> SiteData[SegmentData]:
    """Return a site that trains on all its pictures; the tests are elsewhere."""
    return SiteData(name, data, data[:1])
