"""The ways to tag that are compared, each with its input and its training."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from fedbragg.learn.settings import FitSettings
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags import learner
from fedbragg.tasks.tags.data import TagData
from fedbragg.tasks.tags.network import TagNet
from fedbragg.tasks.tags.sources import Simulated, simulated

EXPERIMENTS, IMAGES, EPOCHS = 800, 2, 6
"""Each seed's training: experiments, images of each, passes over them."""

See = Callable[[Tensor], Tensor]


def everything(views: Tensor) -> Tensor:
    """Return views (images, channels, READ, READ) as they are."""
    return views


def only_light(views: Tensor) -> Tensor:
    """Return views as a plain network gets them: light, zero in the gaps, without the coverage that marks gaps."""
    inside = torch.ones_like(views[:, 1:2])
    return torch.cat([views[:, :1], inside, views[:, 2:]], dim=1)


def healed(views: Tensor) -> Tensor:
    """Return views whose gaps are filled first, by smooth surfaces over measured cells."""
    from baselines.tags_healed import fill

    return torch.stack([torch.from_numpy(fill(view.float().numpy())).to(view.dtype) for view in views])


@dataclass(frozen=True)
class Arm:
    """A way to tag."""

    name: str
    see: See
    polar: bool
    augment: bool


ARMS = (
    Arm("plain CNN", only_light, polar=False, augment=False),
    Arm("augmented CNN", only_light, polar=False, augment=True),
    Arm("healed first, then CNN", healed, polar=False, augment=True),
    Arm("ours", everything, polar=True, augment=True),
)


def trained(arm: Arm, seed: int, folder: Path) -> TagNet:
    """Return an arm's network of a seed, trained now or before."""
    path = folder / f"{arm.name.replace(' ', '-').replace(',', '')}-{seed}.safetensors"
    network = learner.new_network(len(TAGS), seed, arm.polar)
    if not path.exists():
        data = _training_images(seed)
        data = replace(data, views=arm.see(data.views))
        start = time.process_time()
        fitting = FitSettings(EPOCHS, learner.BATCH, learner.PRETRAINING_RATE, annealed=True)
        learner.train(network, data, fitting, seed, augment=arm.augment)
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
        path.with_suffix(".json").write_text(
            json.dumps({"seconds": time.process_time() - start}), encoding="utf-8"
        )
    network.load_state_dict(load_file(path))
    return network.eval()


def train_all(seeds: Sequence[int], folder: Path, processes: int) -> None:
    """Train every arm of every seed, several at a time, each on one core."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, maxtasksperchild=1) as pool:
        work = [(arm.name, seed) for seed in seeds for arm in ARMS]
        for name, seed in pool.imap_unordered(partial(_train_one, folder=folder), work, chunksize=1):
            print(f"trained {name}, seed {seed}", flush=True)


def _train_one(which: tuple[str, int], folder: Path) -> tuple[str, int]:
    torch.set_num_threads(1)
    name, seed = which
    trained(next(arm for arm in ARMS if arm.name == name), seed, folder)
    return which


def _training_images(seed: int) -> TagData:
    return simulated(Simulated(EXPERIMENTS, IMAGES), seed, lambda text=None: None)


def score(network: TagNet, views: Tensor) -> NDArray[np.float64]:
    """Return the probability of each tag (images, tags) in views as the arm sees them."""
    none = torch.zeros(len(views), len(TAGS))
    return learner.probabilities(network, TagData(views, none, none[:, :2]))
