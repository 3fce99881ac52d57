"""The training of the packaged tags model: its simulated images, epochs and learning rate."""

from __future__ import annotations

from dataclasses import dataclass

from fedbragg.learn.settings import FitSettings
from fedbragg.progress import Step
from fedbragg.tasks.tags import learner
from fedbragg.tasks.tags.data import TagData
from fedbragg.tasks.tags.network import TagNet
from fedbragg.tasks.tags.sources import Simulated


@dataclass(frozen=True, slots=True)
class Recipe:
    """Sizes and rates of one training."""

    seed: int = 40
    experiments: int = 10_000
    images: int = 2  # of each experiment; more of each teach less than more experiments
    epochs: int = 10
    last_epochs: int = 2  # at a tenth of the learning rate
    batch: int = learner.BATCH

    @property
    def simulated(self) -> Simulated:
        """Return the images to simulate."""
        return Simulated(self.experiments, self.images)


def follow(recipe: Recipe, network: TagNet, data: TagData, step: Step, device: str = "cpu") -> None:
    """Train a network in place on simulated images; ``step`` counts the epochs."""
    for part, epochs in enumerate((recipe.epochs, recipe.last_epochs)):
        rate = learner.PRETRAINING_RATE * 0.1**part
        fitting = FitSettings(epochs, recipe.batch, rate, annealed=True, device=device)
        learner.train(network, data, fitting, recipe.seed + 100 * part, step)
