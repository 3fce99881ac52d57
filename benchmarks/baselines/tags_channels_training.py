"""The ways to see grains that are compared, their training images in parts, and the images that judge."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from baselines.tags_conditions import UNSEEN, clean
from baselines.tags_judging import EXPERIMENTS, as_read, precisions, views_and_tags
from fedbragg.learn.state import state_of
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags import learner
from fedbragg.tasks.tags.data import TagData, concatenate
from fedbragg.tasks.tags.recipe import Recipe, follow
from fedbragg.tasks.tags.sources import Simulated, simulated
from fedbragg.types import State
from harness import machine

PATIENCE = 3600.0
"""Seconds that a training waits for its images."""


@dataclass(frozen=True)
class Arm:
    """A network and its training."""

    name: str
    channels: int
    times: int = 1  # the images, and as many more in a batch: every arm makes as many steps

    def file(self, seed: int) -> str:
        """Return the name of a training's file."""
        return f"{self.name.replace(',', '').replace(' ', '-')}-{seed}"


ARMS = (
    Arm("four channels", 4),
    Arm("three channels", 3),
    Arm("four channels, twice the images", 4, times=2),
)
JUDGES = ("256 pixels", "detectors' own pixels")
"""Simulated images of unseen experiments: as in benchmarks/tags.py, and as files of real detectors hold them."""


@dataclass(frozen=True)
class Budget:
    """How much is simulated and trained."""

    recipe: Recipe = field(default_factory=Recipe)
    parts: int = 16  # in which the recipe's experiments are simulated
    judging: int = EXPERIMENTS  # experiments that judge
    fine_parts: int = 8  # in which those on detectors' own pixels are simulated
    fine: int = 400  # experiments on detectors' own pixels, of two images

    def part(self, number: int) -> Simulated:
        """Return one part of the training images; those beyond ``parts`` are for the larger trainings."""
        experiments = self.recipe.experiments // self.parts
        return replace(self.recipe.simulated, experiments=experiments, first=number * experiments)


TINY = Budget(Recipe(experiments=24, epochs=1, last_epochs=1), 2, 4, 2, 4)
"""Tests in a minute that everything runs; its figures mean nothing."""


@dataclass(frozen=True)
class Training:
    """One training, where its images lie, and where its weights go."""

    arm: Arm
    seed: int
    budget: Budget
    parts: Sequence[Path]
    judges: Sequence[Sequence[Path]]  # of each kind of images that judge
    weights: Path

    def __call__(self, device: str) -> dict[str, Any]:
        """Train once the images exist, keep the weights, and judge."""
        _wait_for([*self.parts, *(path for paths in self.judges for path in paths)])
        recipe = replace(self.budget.recipe, seed=self.seed, batch=self.arm.times * self.budget.recipe.batch)
        data = concatenate([_kept(path) for path in self.parts])
        network = learner.new_network(len(TAGS), self.seed, channels=self.arm.channels)
        start = time.perf_counter()
        follow(recipe, network, data, _quiet, device)
        seconds, state = time.perf_counter() - start, state_of(network)
        save_file({name: torch.from_numpy(array) for name, array in state.items()}, self.weights)
        found = {kind: judge(state, paths) for kind, paths in zip(JUDGES, self.judges, strict=True)}
        about = {"seconds": seconds, "device": _called(device), "recipe": asdict(recipe)}
        return about | found


@dataclass(frozen=True)
class Part:
    """One part of a seed's training images."""

    budget: Budget
    seed: int
    number: int
    path: Path

    def __call__(self, device: str) -> float:
        """Simulate into the file; return the seconds of the process."""
        _keep(simulated(self.budget.part(self.number), self.seed, _quiet, threads=1), self.path)
        return time.process_time()


@dataclass(frozen=True)
class Judges:
    """Images that judge: all of those of 256 pixels, or one part of the others."""

    budget: Budget
    kind: int  # of JUDGES
    number: int
    path: Path

    def __call__(self, device: str) -> float:
        """Simulate into the file; return the seconds of the process."""
        if self.kind == 0:
            views, tags = views_and_tags(clean, self.budget.judging)
            labels = torch.from_numpy(tags.astype(np.float32))
            _keep(TagData(as_read(views), labels, torch.full((len(tags), 2), torch.nan)), self.path)
        else:
            share = self.budget.fine // self.budget.fine_parts
            what = Simulated(share, 2, longest=(None,), first=self.number * share)
            _keep(simulated(what, UNSEEN, _quiet, threads=1), self.path)
        return time.process_time()


def judge(state: State, images: Sequence[Path]) -> dict[str, list[float]]:
    """Return the average precision of each tag, NaN where too few images have it, and how many have it."""
    data = concatenate([_kept(path) for path in images])
    truth = data.truth.astype(np.int8)
    found = precisions(truth, probabilities(state, data.views))
    return {"precisions": found.tolist(), "images": (truth == 1).sum(axis=0).tolist()}


def probabilities(state: State, views: Tensor) -> NDArray[np.float64]:
    """Return the probability of each tag (images, tags) in views as the network reads them."""
    none = torch.zeros(len(views), len(TAGS))
    return learner.probabilities(learner.network_of(state, len(TAGS)), TagData(views, none, none[:, :2]))


def _called(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else machine()["processor"]


def _wait_for(files: Sequence[Path]) -> None:
    end = time.monotonic() + PATIENCE
    while not all(file.exists() for file in files):
        if time.monotonic() > end:
            raise TimeoutError("images to train on are missing")
        time.sleep(1)


def _keep(data: TagData, path: Path) -> None:
    """Write images to a file, which appears only when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".fresh")
    save_file({"views": data.views, "labels": data.labels, "beams": data.beams}, fresh)
    fresh.replace(path)


def _kept(path: Path) -> TagData:
    return TagData(**load_file(path))


def _quiet(text: str | None = None) -> None:
    pass
