"""The ways to see grains that are compared, their training images in parts, and the images that judge."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

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


@dataclass(frozen=True)
class Arm:
    """A network and its training."""

    name: str
    channels: int
    times: int = 1  # the images, and as many more in a batch: every arm makes as many steps


ARMS = (
    Arm("four channels", 4),
    Arm("three channels", 3),
    Arm("four channels, twice the images", 4, times=2),
)
JUDGES = ("256 pixels", "detector's pixels")
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
"""Shows in a minute that everything runs; its figures say nothing."""


def simulate_part(budget: Budget, seed: int, number: int, path: Path) -> None:
    """Simulate one part of a seed's training images into a file."""
    _keep(simulated(budget.part(number), seed, _quiet, threads=1), path)


def simulate_judges(budget: Budget, judge: str, number: int, path: Path) -> None:
    """Simulate images that judge into a file: all of those of 256 pixels, or one part of the others."""
    if judge == JUDGES[0]:
        views, tags = views_and_tags(clean, budget.judging)
        labels = torch.from_numpy(tags.astype(np.float32))
        _keep(TagData(as_read(views), labels, torch.full((len(tags), 2), torch.nan)), path)
        return
    share = budget.fine // budget.fine_parts
    what = Simulated(share, 2, longest=(None,), first=number * share)
    _keep(simulated(what, UNSEEN, _quiet, threads=1), path)


def train(arm: Arm, seed: int, budget: Budget, parts: list[Path], device: str) -> tuple[State, float]:
    """Return an arm's trained state, and the seconds that training took."""
    recipe = replace(budget.recipe, seed=seed, batch=arm.times * budget.recipe.batch)
    data = concatenate([_kept(path) for path in parts])
    network = learner.new_network(len(TAGS), seed, channels=arm.channels)
    start = time.perf_counter()
    follow(recipe, network, data, _quiet, device)
    return state_of(network), time.perf_counter() - start


def judge(state: State, images: list[Path]) -> tuple[list[float], list[int]]:
    """Return the average precision of each tag, NaN where too few images have it, and how many have it."""
    data = concatenate([_kept(path) for path in images])
    truth = data.truth.astype(np.int8)
    found = precisions(truth, probabilities(state, data.views))
    return found.tolist(), (truth == 1).sum(axis=0).tolist()


def probabilities(state: State, views: Tensor) -> NDArray[np.float64]:
    """Return the probability of each tag (images, tags) in views as the network reads them."""
    none = torch.zeros(len(views), len(TAGS))
    return learner.probabilities(learner.network_of(state, len(TAGS)), TagData(views, none, none[:, :2]))


def save_result(path: Path, state: State, result: dict[str, object], budget: Budget) -> None:
    """Write a trained state beside its result, the result last."""
    save_file(
        {name: torch.from_numpy(array) for name, array in state.items()}, path.with_suffix(".safetensors")
    )
    path.write_text(json.dumps(result | {"budget": asdict(budget)}), encoding="utf-8")


def saved_state(path: Path) -> State:
    return {name: tensor.numpy() for name, tensor in load_file(path.with_suffix(".safetensors")).items()}


def _keep(data: TagData, path: Path) -> None:
    """Write images to a file, which appears only when it is whole."""
    half = path.with_suffix(".half")
    save_file({"views": data.views, "labels": data.labels, "beams": data.beams}, half)
    half.rename(path)


def _kept(path: Path) -> TagData:
    return TagData(**load_file(path))


def _quiet(text: str | None = None) -> None:
    pass
