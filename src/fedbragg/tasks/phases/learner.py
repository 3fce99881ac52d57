"""Train phasenet on labelled patterns: loss, training, probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedbragg.learn.calibration import yes_shifts
from fedbragg.learn.device import device_of
from fedbragg.learn.loop import fit, mean_gradient
from fedbragg.learn.one_sided import without_one_sided
from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import load_state, state_of
from fedbragg.progress import Step
from fedbragg.tasks.phases.data import PhaseData
from fedbragg.tasks.phases.losses import Batch, cross_entropy, positive_weights
from fedbragg.tasks.phases.model_card import PhaseCard, PhaseLines
from fedbragg.tasks.phases.network import ExportedNetwork, PhaseNet, comb_of
from fedbragg.tasks.phases.prepare import PatternSettings
from fedbragg.tasks.phases.settings import LossName, OneSided
from fedbragg.types import State

PRETRAINING_RATE = 4e-3
BATCH = 64
CARD_DIGITS = 1e-5
"""1/angstrom, to which a model file rounds the lines."""


class Learner(nn.Module):
    """phasenet, and the log variances that the uncertainty-weighted loss learns."""

    def __init__(self, lines: Sequence[PhaseLines], settings: PatternSettings) -> None:
        super().__init__()
        combs = [comb_of(p.q, p.strength, settings.q_low, settings.step) for p in lines]
        self.network = PhaseNet(combs, settings.points)
        self.log_variance = nn.Parameter(torch.zeros(len(lines)))


@dataclass(frozen=True, slots=True, eq=False)
class PhaseProblem:
    """The loss of phasenet on labelled patterns, as the training loop needs it."""

    learner: Learner
    data: PhaseData
    loss_name: LossName
    positive: Tensor  # (phases,)
    shifts: Tensor  # (phases,) added to the logits, see yes_shifts

    def __len__(self) -> int:
        """Return the number of patterns."""
        return len(self.data)

    def loss(self, examples: Tensor) -> Tensor:
        """Return the mean loss over patterns given by index."""
        device = device_of(self.learner)
        logits, _ = self.learner.network(self.data.views[examples].to(device))
        labels, measured = (part[examples].to(device) for part in (self.data.labels, self.data.measured))
        batch = Batch(logits + self.shifts.to(device), labels, measured)
        return cross_entropy(self.loss_name, batch, self.positive.to(device), self.learner.log_variance)


@dataclass(frozen=True, slots=True, eq=False)
class PhaseTraining:
    """The phases to identify, the grid, and the loss."""

    lines: tuple[PhaseLines, ...]
    settings: PatternSettings = field(default_factory=PatternSettings)
    loss: LossName = "plain"
    one_sided: OneSided = "ignore"

    def fits(self, card: PhaseCard) -> bool:
        """Return whether a model file has the same phases, in the same order, on the same grid."""
        if self.settings != card.prepare or [line.name for line in self.lines] != list(card.names):
            return False
        pairs = zip(self.lines, card.phases, strict=True)
        return all(len(a.q) == len(b.q) and np.allclose(a.q, b.q, atol=CARD_DIGITS) for a, b in pairs)

    def new_state(self, seed: int) -> dict[str, NDArray[Any]]:
        """Return the state of a network with random weights from the seed."""
        generator = torch.Generator().manual_seed(seed)
        learner = Learner(self.lines, self.settings)
        for module in learner.modules():
            if isinstance(module, (nn.Conv1d, nn.Linear)):
                bound = module.weight[0].numel() ** -0.5
                nn.init.uniform_(module.weight, -1.7 * bound, 1.7 * bound, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        return state_of(learner)

    def train(
        self,
        state: State,
        data: PhaseData,
        fitting: FitSettings,
        generator: torch.Generator,
        step: Step | None = None,
    ) -> tuple[dict[str, NDArray[Any]], float]:
        """Return the state after training from ``state``, and the mean loss of the last epoch."""
        problem = self._problem(state, data, fitting)
        loss = fit(problem.learner, problem, fitting, generator, step)
        return state_of(problem.learner), loss

    def gradient(
        self, state: State, data: PhaseData, fitting: FitSettings, generator: torch.Generator
    ) -> dict[str, NDArray[Any]]:
        """Return the gradient of the loss that ``train`` lowers, at ``state`` and over all patterns."""
        problem = self._problem(state, data, fitting)
        return mean_gradient(problem.learner, problem, fitting, generator)

    def _problem(self, state: State, data: PhaseData, fitting: FitSettings) -> PhaseProblem:
        if self.one_sided == "ignore":
            data = replace(data, labels=without_one_sided(data.labels))
        shifts = yes_shifts(data.label_counts, fitting.calibration)
        return PhaseProblem(self._learner(state), data, self.loss, positive_weights(data.labels), shifts)

    def pretrain(
        self,
        data: PhaseData | None,
        epochs: int,
        seed: int,
        step: Step | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Return the state of a new network trained on simulated patterns."""
        state = self.new_state(seed)
        if data is None or epochs == 0:
            return state
        fitting = FitSettings(epochs, BATCH, PRETRAINING_RATE, annealed=True)
        return self.train(state, data, fitting, torch.Generator().manual_seed(seed), step)[0]

    def probabilities(self, state: State, data: PhaseData) -> NDArray[np.float64]:
        """Return the probability of each phase in each pattern, (patterns, phases)."""
        learner = self._learner(state).eval()
        with torch.no_grad():
            logits = [learner.network(part)[0] for part in data.views.split(256)]
        result: NDArray[np.float64] = torch.sigmoid(torch.cat(logits)).double().numpy()
        return result

    def exported(self, state: State) -> ExportedNetwork:
        """Return the network in the form that the model file holds."""
        return ExportedNetwork(self._learner(state).network)

    def _learner(self, state: State) -> Learner:
        learner = Learner(self.lines, self.settings)
        load_state(learner, state)
        return learner
