"""Train the tags model that ships in the package, from simulated images of any instrument.

Run by scripts/build-tags-model. Nothing measured is used: real images judge it, in benchmarks/tags.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from fedbragg.learn.state import state_of
from fedbragg.progress import Progress
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags import learner
from fedbragg.tasks.tags.recipe import Recipe, follow
from fedbragg.tasks.tags.settings import TagsSettings
from fedbragg.tasks.tags.sources import simulated
from fedbragg.tasks.tags.task import TagsTask
from fedbragg.types import State


def main(path: Path, progress: Progress) -> None:
    """Simulate, train, and write the model file to ``path``."""
    torch.set_num_threads(1)  # more change the order of sums, and with it the model
    recipe = Recipe()
    network = learner.new_network(len(TAGS), recipe.seed)
    data = simulated(
        recipe.simulated, recipe.seed, progress.stage("Simulating experiments", recipe.experiments)
    )
    follow(recipe, network, data, progress.stage("Training", recipe.epochs + recipe.last_epochs))
    write(state_of(network), path, {"made_by": "scripts/build-tags-model", **asdict(recipe)})


def write(state: State, path: Path, made: Mapping[str, Any]) -> None:
    """Write a model that was trained on simulated images alone; ``made`` says how."""
    TagsTask(TagsSettings()).export(state, path, {"data": "simulated", **made})
