"""Phase identification: prepared patterns with a label a phase, phasenet, and a choice of losses between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedbragg.learn.loop import FitSettings, fit
from fedbragg.learn.state import load_state, state_of
from fedbragg.metrics.classification import Estimate, summary
from fedbragg.tasks.phases.losses import Batch, LossName, cross_entropy, positive_weights
from fedbragg.tasks.phases.model_card import PhaseLines
from fedbragg.tasks.phases.network import Answer, PhaseNet, comb_of
from fedbragg.tasks.phases.prepare import PatternSettings
from fedbragg.types import State

PRETRAINING_RATE = 4e-3
BATCH = 64

OneSided = Literal["ignore", "learn"]


@dataclass(frozen=True, slots=True, eq=False)
class PhaseData:
    """Labelled patterns, ready to train on."""

    views: Tensor  # (patterns, 3, points)
    labels: Tensor  # (patterns, phases) 1, 0, or -1 for unknown
    measured: Tensor  # (patterns,) whether measured, not simulated

    def __len__(self) -> int:
        """Return the number of patterns."""
        return len(self.views)

    @property
    def label_counts(self) -> tuple[tuple[int, ...], ...]:
        """Return for each phase how many patterns lack it and how many show it."""
        absent, present = (self.labels == 0).sum(dim=0), (self.labels == 1).sum(dim=0)
        return tuple((int(a), int(p)) for a, p in zip(absent, present, strict=True))


def without_one_sided(data: PhaseData) -> PhaseData:
    """Take a phase that every labelled pattern shows, or none, for unknown: such a set cannot tell where it begins.

    A network told "never" learns to say so whatever it sees; averaged with others, that outvotes those who know
    (docs/decisions/0064-a-site-says-nothing-of-a-phase-it-never-saw.md).
    """
    both = (data.labels == 0).any(dim=0) & (data.labels == 1).any(dim=0)
    return PhaseData(data.views, torch.where(both, data.labels, -1.0), data.measured)


def pick(data: PhaseData, chosen: Any) -> PhaseData:
    """Return some of the patterns, by slice, index or mask."""
    return PhaseData(data.views[chosen], data.labels[chosen], data.measured[chosen])


def join(parts: Sequence[PhaseData]) -> PhaseData:
    """Put several sets together."""
    return PhaseData(
        torch.cat([part.views for part in parts]),
        torch.cat([part.labels for part in parts]),
        torch.cat([part.measured for part in parts]),
    )


class Learner(nn.Module):
    """phasenet, and what the uncertainty-weighted loss learns beside it."""

    def __init__(self, lines: Sequence[PhaseLines], settings: PatternSettings) -> None:
        super().__init__()
        combs = [comb_of(p.q, p.strength, settings.q_low, settings.step) for p in lines]
        self.network = PhaseNet(combs, settings.points)
        self.log_variance = nn.Parameter(torch.zeros(len(lines)))


@dataclass(frozen=True, slots=True, eq=False)
class PhaseProblem:
    """What the training loop asks."""

    learner: Learner
    data: PhaseData
    loss_name: LossName
    positive: Tensor  # (phases,)

    def __len__(self) -> int:
        """Return the number of patterns."""
        return len(self.data)

    def loss(self, examples: Tensor) -> Tensor:
        """Return the mean loss over patterns given by index."""
        logits, _ = self.learner.network(self.data.views[examples])
        batch = Batch(logits, self.data.labels[examples], self.data.measured[examples])
        return cross_entropy(self.loss_name, batch, self.positive, self.learner.log_variance)


@dataclass(frozen=True, slots=True, eq=False)
class PhaseTask:
    """Which phases are told apart, on which grid, by which loss."""

    lines: tuple[PhaseLines, ...]
    settings: PatternSettings = field(default_factory=PatternSettings)
    loss: LossName = "plain"
    one_sided: OneSided = "ignore"

    def new_state(self, seed: int) -> dict[str, NDArray[Any]]:
        """Return the state of a network with random weights that only the seed decides."""
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
        watch: Callable[[int, float], None] | None = None,
    ) -> tuple[dict[str, NDArray[Any]], float]:
        """Return the state after training from ``state``, and the mean loss of the last epoch."""
        learner = self._learner(state)
        data = data if self.one_sided == "learn" else without_one_sided(data)
        problem = PhaseProblem(learner, data, self.loss, positive_weights(data.labels))
        loss = fit(learner, problem, fitting, generator, watch)
        return state_of(learner), loss

    def pretrain(
        self,
        data: PhaseData | None,
        epochs: int,
        seed: int,
        watch: Callable[[int, float], None] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Return the state of a new network trained on simulated patterns."""
        state = self.new_state(seed)
        if data is None or epochs == 0:
            return state
        fitting = FitSettings(epochs, BATCH, PRETRAINING_RATE, annealed=True)
        return self.train(state, data, fitting, torch.Generator().manual_seed(seed), watch)[0]

    def probabilities(self, state: State, data: PhaseData) -> NDArray[np.float64]:
        """Return the probability of each phase in each pattern, (patterns, phases)."""
        learner = self._learner(state).eval()
        with torch.no_grad():
            logits = [learner.network(part)[0] for part in data.views.split(256)]
        result: NDArray[np.float64] = torch.sigmoid(torch.cat(logits)).double().numpy()
        return result

    def answer(self, state: State) -> Answer:
        """Return a model as the model file holds it."""
        return Answer(self._learner(state).network)

    def _learner(self, state: State) -> Learner:
        learner = Learner(self.lines, self.settings)
        load_state(learner, state)
        return learner


def figures(
    labels: NDArray[np.float64], probabilities: NDArray[np.float64], threshold: float = 0.5
) -> list[dict[str, Estimate]]:
    """Return every figure of each phase, from labels and probabilities (patterns, phases)."""
    judged = []
    for truth, score in zip(labels.T, probabilities.T, strict=True):
        known = truth >= 0
        judged.append(summary(truth[known] > 0, score[known], threshold))
    return judged


def mean_figures(judged: Sequence[dict[str, Estimate]]) -> dict[str, Estimate]:
    """Average figures over the phases that have them; the interval is the mean interval, not narrowed."""
    means = {}
    for name in judged[0]:
        values = np.array([[e.value, e.low, e.high] for e in (one[name] for one in judged)])
        values = values[np.isfinite(values[:, 0])]
        means[name] = Estimate(*(values.mean(axis=0) if len(values) else np.full(3, np.nan)).tolist())
    return means
