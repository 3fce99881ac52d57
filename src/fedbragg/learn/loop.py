"""The training loop, the same for every task."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedbragg.learn.adam import Adam
from fedbragg.learn.device import device_of, open_device
from fedbragg.learn.norms import begin_training
from fedbragg.learn.precision import layers_in
from fedbragg.learn.settings import FitSettings
from fedbragg.progress import Step
from fedbragg.types import State


class Problem(Protocol):
    """The examples and the loss of a task, for the training loop."""

    def __len__(self) -> int:
        """Return the number of examples."""
        ...

    def loss(self, examples: Tensor) -> Tensor:
        """Return the mean loss over examples given by index, at the device that its network is on."""
        ...


def fit(
    network: nn.Module,
    problem: Problem,
    settings: FitSettings,
    generator: torch.Generator,
    step: Step | None = None,
) -> float:
    """Train a network in place and return the mean loss of the last epoch; ``step`` counts the epochs.

    Raise ConfigError for a device that the machine does not have.
    """
    network.to(open_device(settings.device))
    start = [parameter.detach().clone() for parameter in network.parameters()]
    optimiser = Adam(network.parameters())
    begin_training(network, settings.fixed_statistics)
    mean_loss = torch.tensor(torch.nan)
    for epoch in range(settings.epochs):
        rate = settings.learning_rate * (0.1 ** (epoch / settings.epochs) if settings.annealed else 1.0)
        total = torch.zeros((), dtype=torch.float64, device=device_of(network))
        for examples in torch.randperm(len(problem), generator=generator).split(settings.batch):
            with layers_in(settings.precision, device_of(network)):
                loss = problem.loss(examples)
            (loss + _proximal(network, start, settings.proximal_mu)).backward()
            _correct(network, settings.correction)
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step(rate)
            total += loss.detach().double() * len(examples)  # no .item(): a GPU need not wait
        mean_loss = total / len(problem)
        if step is not None:
            step()
    network.to("cpu")
    return float(mean_loss)


def mean_gradient(
    network: nn.Module, problem: Problem, settings: FitSettings, generator: torch.Generator
) -> dict[str, NDArray[Any]]:
    """Return the gradient of the mean loss over all examples, by the name of the parameter.

    It leaves the parameters as they are. ``generator`` orders the examples, which matters to BatchNorm alone. Of the
    settings the batch, the device and ``fixed_statistics`` matter.
    """
    network.to(open_device(settings.device))
    begin_training(network, settings.fixed_statistics)
    for examples in torch.randperm(len(problem), generator=generator).split(settings.batch):
        (problem.loss(examples) * (len(examples) / len(problem))).backward()
    network.to("cpu")
    gradient = {
        name: np.zeros(tuple(p.shape), np.float32) if p.grad is None else p.grad.numpy().copy()
        for name, p in network.named_parameters()
    }
    network.zero_grad()
    return gradient


def _correct(network: nn.Module, correction: State) -> None:
    """Add a correction to the gradients of the parameters that it names."""
    for name, parameter in network.named_parameters() if correction else ():
        if name in correction and parameter.grad is not None:
            parameter.grad += torch.from_numpy(correction[name]).to(parameter.device)


def _proximal(network: nn.Module, start: list[Tensor], mu: float) -> Tensor | float:
    if mu == 0:
        return 0.0
    squares = [((now - then) ** 2).sum() for now, then in zip(network.parameters(), start, strict=True)]
    return mu / 2 * torch.stack(squares).sum()
