"""FedBN (Li et al. 2021): each site keeps its own BatchNorm tensors, all others are learnt together."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from fedbragg.federation.trainer import Trainer
from fedbragg.types import State, Update

MARK = ".running_mean"
"""Only BatchNorm has it; LayerNorm and GroupNorm keep no statistics and are learnt together."""


def norm_names(model: State) -> AbstractSet[str]:
    """Return the names of all tensors of BatchNorm layers: scale, shift, statistics and counter."""
    layers = {name.removesuffix(MARK) for name in model if name.endswith(MARK)}
    return {name for name in model if name.rpartition(".")[0] in layers}


class KeepsNorms:
    """A trainer whose BatchNorm tensors never leave it.

    It starts from the model's and goes on from its own; they live as long as this object does.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._own: dict[str, NDArray[Any]] = {}
        self.name, self.speed, self.samples = trainer.name, trainer.speed, trainer.samples

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Train with this site's norms in the model's place, and hold back how they changed."""
        start = {**model, **self._own}
        kept = norm_names(model)
        before = {name: start[name].copy() for name in kept}
        update = self._trainer.train(start, version, epochs)
        self._own = {name: (before[name] + update.tensors[name]).astype(before[name].dtype) for name in kept}
        shared = {name: tensor for name, tensor in update.tensors.items() if name not in kept}
        return replace(update, tensors=shared)
