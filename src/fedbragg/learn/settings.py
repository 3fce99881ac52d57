"""Settings of one training; federations and tasks use them, so this module imports no framework."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fedbragg.precision import Precision
from fedbragg.types import State

LEARNING_RATE = 1e-3
"""Of Adam, where nothing else is known."""
PACKAGED_RATE = 1e-4
"""Of Adam at a site, from a packaged model that has more to forget than to learn (decision 135)."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the loss shifts the logits by how often a site has each answer (learn/calibration.py)."""

    kind: Literal["margin", "prior"]
    tau: float = 1.0  # strength


@dataclass(frozen=True, slots=True)
class LocalTerms:
    """Changes that an aggregation rule makes to the training at a site, beyond the tensors sent with the model."""

    calibration: Calibration | None = None
    proximal_mu: float = 0.0  # as in FitSettings, on top of the settings file's
    sends_gradient: bool = False  # whether an update holds the gradient at the model that was sent
    sends_steps: bool = False  # whether an update holds the number of the optimiser's steps


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Settings of one training."""

    epochs: int
    batch: int = 16  # examples a step
    learning_rate: float = LEARNING_RATE
    """Of Adam, at the start; annealed, it falls to a tenth over the epochs."""
    proximal_mu: float = 0.0  # weight of FedProx's term mu / 2 * ||y - x||^2 (Li et al. 2020), x the start
    annealed: bool = False
    device: str = (
        "cpu"  # see learn/device.py; differences in the last digits make another device another model
    )
    precision: Precision = "float32"
    """Of the products in the layers; weights, sums and the optimiser stay in float32 (learn/precision.py)."""
    fixed_statistics: bool = False  # whether BatchNorm uses the model's statistics (learn/norms.py)
    calibration: Calibration | None = None
    correction: State = field(default_factory=dict, compare=False)
    """Added to every step's gradient, by the name of the parameter."""

    def steps(self, examples: int) -> int:
        """Return how many steps the optimiser makes on this many examples."""
        return self.epochs * -(-examples // self.batch)


@dataclass(frozen=True, slots=True)
class PrivateTerms:
    """How a site adds noise in training, so that its updates do not reveal any single run or crystal."""

    rate: float  # probability that a step takes each run or crystal
    noise: (
        float  # standard deviation of the noise, in units of the largest vector that one run or crystal adds
    )
    clip: float  # longest gradient of one run or crystal

    def steps(self, epochs: int) -> int:
        """Return the number of steps in some epochs; it does not depend on the data."""
        return max(1, round(epochs / self.rate))


@dataclass(frozen=True, slots=True)
class NoisedFacts:
    """Noisy facts about the data, from the same sums as the gradients of private training."""

    loss: float  # mean over runs or crystals, over the whole training
    label_counts: tuple[tuple[int, ...], ...]  # runs or crystals with each answer, by question
