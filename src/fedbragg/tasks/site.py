"""A site of the hit-finding task: its data stay here, updates come out."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import torch

from fedbragg.config import TrainingSettings
from fedbragg.learn.loop import FitSettings, fit
from fedbragg.learn.state import load_state, state_of
from fedbragg.state_arithmetic import difference
from fedbragg.tasks.hits.learner import HitData, HitProblem
from fedbragg.tasks.hits.network import SpotNet
from fedbragg.types import State, Update


@dataclass(frozen=True, slots=True, eq=False)
class HitSite:
    """One facility as the federation sees it."""

    name: str
    data: HitData
    training: TrainingSettings
    seed: int
    speed: float = 1.0

    @property
    def samples(self) -> int:
        """Return the number of frames trained on."""
        return len(self.data)

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Train from a model on this site's frames and return the difference to it.

        Randomness depends on seed, site and version alone, so that a federation can be repeated.
        """
        network = SpotNet()
        load_state(network, model)
        loss = fit(
            network,
            HitProblem(network, self.data, hit_weight=self.training.hit_weight),
            fit_settings_of(self.training, epochs),
            generator_of(self.seed, self.name, version),
        )
        return Update(
            self.name,
            version,
            difference(state_of(network), model),
            self.samples,
            self.data.label_counts,
            loss,
        )


def fit_settings_of(training: TrainingSettings, epochs: int) -> FitSettings:
    """Return how a site trains for some epochs."""
    return FitSettings(epochs, training.batch, training.learning_rate, proximal_mu=training.proximal_mu)


def generator_of(seed: int, site: str, version: int) -> torch.Generator:
    """Return the randomness of one training, by seed, site and version alone."""
    number = (seed * 1_000_003 + zlib.crc32(site.encode())) * 1_009 + version
    return torch.Generator().manual_seed(number % 2**64)  # a seed may be a date and time
