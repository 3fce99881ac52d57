"""Adam (Kingma and Ba 2015) by torch's own function, without the class around it.

The class imports torch's compiler at its first step, which nothing here uses: 2.4 s of a core in every process that
trains.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""As in the paper, and torch's defaults."""


class Adam:
    """The moments of parameters that are trained."""

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self._parameters = list(parameters)
        self._means = [torch.zeros_like(p) for p in self._parameters]
        self._squares = [torch.zeros_like(p) for p in self._parameters]
        self._steps = [torch.zeros(()) for _ in self._parameters]

    def step(self, learning_rate: float) -> None:
        """Move every parameter that has a gradient, and forget the gradients."""
        moved = [i for i, parameter in enumerate(self._parameters) if parameter.grad is not None]
        parameters = [self._parameters[i] for i in moved]
        with torch.no_grad():
            adam(
                parameters,
                [p.grad for p in parameters if p.grad is not None],
                [self._means[i] for i in moved],
                [self._squares[i] for i in moved],
                [],
                [self._steps[i] for i in moved],
                amsgrad=False,
                beta1=BETA1,
                beta2=BETA2,
                lr=learning_rate,
                weight_decay=0.0,
                eps=EPSILON,
                maximize=False,
            )
        for parameter in parameters:
            parameter.grad = None
