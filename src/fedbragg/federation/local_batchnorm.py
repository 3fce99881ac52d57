"""FedBN (Li et al. 2021): each site keeps its own BatchNorm tensors; all others are trained together."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from fedbragg.federation.trainer import Trainer
from fedbragg.types import State, Update

MARK = ".running_mean"
"""The tensor that identifies a BatchNorm layer; LayerNorm and GroupNorm have no statistics."""


def batchnorm_names(model: State) -> AbstractSet[str]:
    """Return the names of all tensors of BatchNorm layers: scale, shift, statistics and counter."""
    layers = {name.removesuffix(MARK) for name in model if name.endswith(MARK)}
    return {name for name in model if name.rpartition(".")[0] in layers}


class LocalBatchNorm:
    """A trainer whose BatchNorm tensors stay at its site.

    They start as the model's and then follow the site's own training. They exist as long as this object.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._own: dict[str, NDArray[Any]] = {}
        self.name, self.speed, self.samples = trainer.name, trainer.speed, trainer.samples

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Train with this site's BatchNorm tensors in place of the model's, and leave them out of the update."""
        start = {**model, **self._own}
        local = batchnorm_names(model)
        before = {name: start[name].copy() for name in local}
        update = self._trainer.train(start, version, epochs)
        self._own = {name: (before[name] + update.tensors[name]).astype(before[name].dtype) for name in local}
        shared = {name: tensor for name, tensor in update.tensors.items() if name not in local}
        return replace(update, tensors=shared)
