"""Differentially private training (Abadi et al., CCS 2016, algorithm 1), where the unit is a run or crystal.

Frames of one crystal are near-copies, so hiding one frame among its copies would hide nothing. Each step takes every
unit with the same probability (Poisson sampling), shortens each unit's gradient to the clip, adds them up, and adds
noise. Everything that leaves a site comes from these sums: a unit's loss and labels are extra coordinates of its
vector, scaled so that they cost little. The number of steps depends on the settings alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from fedbragg.errors import ConfigError
from fedbragg.learn.adam import Adam
from fedbragg.learn.settings import FitSettings, NoisedFacts, PrivateTerms

SIDE = 0.2
"""Greatest length of the loss' coordinate, and of the labels'; a gradient's is 1."""
LONGEST = sqrt(1 + 2 * SIDE**2)
"""Greatest Euclidean norm of the vector that one unit adds to a sum."""
TOGETHER = 64
"""Units whose gradients are held in memory at a time."""
MOST_LOSS = 4.0
"""Larger losses of a unit are cut to this value."""


class PrivateProblem(Protocol):
    """The units, gradients and labels of a task, for private training."""

    @property
    def questions(self) -> tuple[int, ...]:
        """Return the number of answers to each question that the labels answer."""
        ...

    def __len__(self) -> int:
        """Return the number of units."""
        ...

    def gradients(self, units: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return each unit's mean loss over its examples (units,), and that loss' gradient (units, numbers).

        The numbers are those of all trained parameters, in the network's order.
        """
        ...

    def label_shares(self, unit: int) -> Tensor:
        """Return the share of each unit's labels that has each answer, one question after the other."""
        ...


@dataclass(slots=True, eq=False)
class _Totals:
    """The noisy sums of all steps so far, as they leave the site."""

    steps: int
    units: Tensor  # () units taken
    loss: Tensor  # () sum over these units
    shares: Tensor  # (answers of all questions,)


def fit_privately(
    network: nn.Module,
    problem: PrivateProblem,
    settings: FitSettings,
    terms: PrivateTerms,
    generator: np.random.Generator,
) -> NoisedFacts:
    """Train a network in place with noise, and return the noisy facts about the data.

    ``settings.batch`` has no effect. Raise ConfigError for a network whose statistics would escape the noise.
    """
    refuse_statistics(network)
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    start = [parameter.detach().clone() for parameter in parameters]
    optimiser, totals = Adam(parameters), _no_totals(problem)
    network.train()
    for _ in range(terms.steps(settings.epochs)):
        summed = noisy_sum(network, problem, terms, generator)
        gradient = _split(summed, totals, problem, parameters)
        typical = max(1.0, float(totals.units) / totals.steps)  # units in a step, from the noisy count
        _set_gradients(parameters, gradient * terms.clip / typical, start, settings.proximal_mu)
        optimiser.step(settings.learning_rate)
    return _facts(totals, problem, terms.rate)


def noisy_sum(
    network: nn.Module, problem: PrivateProblem, terms: PrivateTerms, generator: np.random.Generator
) -> Tensor:
    """Return the sum of the sampled units' vectors with its noise: gradient in units of the clip, loss, labels."""
    taken = np.flatnonzero(generator.random(len(problem)) < terms.rate)
    size = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    noise = generator.standard_normal(size + 1 + sum(problem.questions), dtype=np.float32)
    total = terms.noise * LONGEST * torch.from_numpy(noise)
    for units in np.split(taken, range(TOGETHER, len(taken), TOGETHER)):
        if len(units):
            total += unit_vectors(problem, units.tolist(), terms.clip).sum(dim=0)
    return total


def unit_vectors(problem: PrivateProblem, units: Sequence[int], clip: float) -> Tensor:
    """Return the vector that each unit adds to a sum (units, numbers + 1 + answers).

    None is longer than LONGEST; one that is not finite becomes zero.
    """
    losses, gradients = problem.gradients(units)
    shares = torch.stack([problem.label_shares(unit) for unit in units]) / sqrt(len(problem.questions))
    bounded = losses.clamp(0, MOST_LOSS)[:, None] / MOST_LOSS
    side = SIDE * torch.cat([bounded, shortened(shares, 1.0)], dim=1)
    vectors = torch.cat([shortened(gradients, clip) / clip, side], dim=1)
    return torch.where(vectors.isfinite().all(dim=1, keepdim=True), vectors, 0.0)


def gradients_one_by_one(
    network: nn.Module, loss: Callable[[int], Tensor], units: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Return PrivateProblem.gradients for any network, by one backward pass a unit."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    losses = [loss(unit) for unit in units]
    flat = [
        torch.cat([part.reshape(-1) for part in torch.autograd.grad(one, parameters, materialize_grads=True)])
        for one in losses
    ]
    return torch.stack(losses).detach(), torch.stack(flat)


def shortened(vector: Tensor, longest: float) -> Tensor:
    """Return vectors along the last axis, shortened to the length ``longest`` where they are longer."""
    result: Tensor = vector * (longest / vector.norm(dim=-1, keepdim=True).clamp(min=longest))
    return result


def refuse_statistics(network: nn.Module) -> None:
    """Raise ConfigError for a network with buffers, such as BatchNorm's: they hold the data's means without noise."""
    held = [name for name, _ in network.named_buffers()]
    if held:
        raise ConfigError(
            f"[privacy] epsilon: the network keeps statistics of the frames ({held[0]}), to which no noise is added. "
            "Use a network without BatchNorm, or leave epsilon out."
        )


def _no_totals(problem: PrivateProblem) -> _Totals:
    return _Totals(0, torch.zeros(()), torch.zeros(()), torch.zeros(sum(problem.questions)))


def _split(
    summed: Tensor, totals: _Totals, problem: PrivateProblem, parameters: list[nn.Parameter]
) -> Tensor:
    """Add a step's facts to the totals, and return its gradient in units of the clip."""
    size = sum(parameter.numel() for parameter in parameters)
    shares = summed[size + 1 :] / SIDE * sqrt(len(problem.questions))
    totals.steps += 1
    totals.loss += summed[size] / SIDE * MOST_LOSS
    totals.shares += shares
    totals.units += shares[: problem.questions[0]].sum()
    return summed[:size]


def _set_gradients(parameters: list[nn.Parameter], gradient: Tensor, start: list[Tensor], mu: float) -> None:
    sizes = [parameter.numel() for parameter in parameters]
    for parameter, part, then in zip(parameters, gradient.split(sizes), start, strict=True):
        parameter.grad = part.view_as(parameter) + mu * (parameter.detach() - then)


def _facts(totals: _Totals, problem: PrivateProblem, rate: float) -> NoisedFacts:
    """Return the mean loss and the label counts that follow from the noisy sums."""
    typical = max(1.0, float(totals.units))
    loss = min(max(float(totals.loss) / typical, 0.0), MOST_LOSS)
    counts = (totals.shares / (totals.steps * rate)).round().clamp(min=0).int()
    return NoisedFacts(loss, tuple(tuple(part.tolist()) for part in counts.split(list(problem.questions))))
