"""The training loop, the same for every task."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from fedbragg.learn.adam import Adam
from fedbragg.learn.settings import FitSettings
from fedbragg.progress import Step


class Problem(Protocol):
    """What a task gives to the training loop."""

    def __len__(self) -> int:
        """Return the number of examples."""
        ...

    def loss(self, examples: Tensor) -> Tensor:
        """Return the mean loss over examples given by index."""
        ...


def fit(
    network: nn.Module,
    problem: Problem,
    settings: FitSettings,
    generator: torch.Generator,
    step: Step | None = None,
) -> float:
    """Train a network in place and return the mean loss of the last epoch; ``step`` counts the epochs."""
    start = [parameter.detach().clone() for parameter in network.parameters()]
    optimiser = Adam(network.parameters())
    network.train()
    mean_loss = float("nan")
    for epoch in range(settings.epochs):
        rate = settings.learning_rate * (0.1 ** (epoch / settings.epochs) if settings.annealed else 1.0)
        total = 0.0
        for examples in torch.randperm(len(problem), generator=generator).split(settings.batch):
            loss = problem.loss(examples)
            (loss + _proximal(network, start, settings.proximal_mu)).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step(rate)
            total += loss.item() * len(examples)
        mean_loss = total / len(problem)
        if step is not None:
            step()
    return mean_loss


def _proximal(network: nn.Module, start: list[Tensor], mu: float) -> Tensor | float:
    if mu == 0:
        return 0.0
    squares = [((now - then) ** 2).sum() for now, then in zip(network.parameters(), start, strict=True)]
    return mu / 2 * torch.stack(squares).sum()
