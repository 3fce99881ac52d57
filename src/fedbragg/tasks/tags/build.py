"""Train the tags model that ships in the package, from simulated images of any instrument.

Run by scripts/build-tags-model. Nothing measured is used: real images judge it, in benchmarks/tags.py.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import state_of
from fedbragg.progress import Progress
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags import learner
from fedbragg.tasks.tags.settings import TagsSettings
from fedbragg.tasks.tags.sources import Simulated, simulated
from fedbragg.tasks.tags.task import TagsTask


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the packaged model is trained."""

    seed: int = 40
    experiments: int = 10_000
    images: int = 2  # of each experiment; more of each teach less than more experiments
    epochs: int = 10
    last_epochs: int = 2  # at a tenth of the learning rate


def main(path: Path, progress: Progress) -> None:
    """Simulate, train, and write the model file to ``path``."""
    torch.set_num_threads(1)  # more change the order of sums, and with it the model
    recipe = Recipe()
    network = learner.new_network(len(TAGS), recipe.seed)
    simulating = progress.stage("Simulating experiments", recipe.experiments)
    data = simulated(Simulated(recipe.experiments, recipe.images), recipe.seed, simulating)
    step = progress.stage("Training", recipe.epochs + recipe.last_epochs)
    for part, epochs in enumerate((recipe.epochs, recipe.last_epochs)):
        rate = learner.PRETRAINING_RATE * 0.1**part
        fitting = FitSettings(epochs, learner.BATCH, rate, annealed=True)
        learner.train(network, data, fitting, recipe.seed + 100 * part, step)
    provenance = {"made_by": "scripts/build-tags-model", "data": "simulated", **asdict(recipe)}
    TagsTask(TagsSettings()).export(state_of(network), path, provenance)
