"""Settings of one training; federations and tasks use them, so this module imports no framework."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Settings of one training."""

    epochs: int
    batch: int = 16  # examples a step
    learning_rate: float = 1e-3  # of Adam, at the start; annealed, it falls to a tenth over the epochs
    proximal_mu: float = 0.0  # weight of FedProx's term mu / 2 * ||y - x||^2 (Li et al. 2020), x the start
    annealed: bool = False


@dataclass(frozen=True, slots=True)
class PrivateTerms:
    """How a site adds noise in training, so that no single run or crystal can be told from its updates."""

    rate: float  # probability that a step takes each run or crystal
    noise: float  # standard deviation of the noise, in units of the most that one run or crystal adds
    clip: float  # longest gradient of one run or crystal

    def steps(self, epochs: int) -> int:
        """Return the number of steps in some epochs; it does not depend on the data."""
        return max(1, round(epochs / self.rate))


@dataclass(frozen=True, slots=True)
class NoisedFacts:
    """What else private training tells about the data, read from the same noisy sums as the gradients."""

    loss: float  # mean over runs or crystals, over the whole training
    label_counts: tuple[tuple[int, ...], ...]  # runs or crystals with each answer, by question
