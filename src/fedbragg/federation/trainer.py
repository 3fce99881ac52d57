"""The interface of a site to a federation: a name, its training speed, and training itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fedbragg.types import State, Update


class Trainer(Protocol):
    """One site: its data stay inside, updates come out."""

    @property
    def name(self) -> str:
        """Return the site's name, unique in the federation."""
        ...

    @property
    def speed(self) -> float:
        """Return samples trained on per unit of the engine's clock; only ratios matter in the local engine."""
        ...

    @property
    def samples(self) -> int:
        """Return how many samples one epoch passes over."""
        ...

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Train from ``model`` and return the difference to it.

        Styles of other sites and a correction may lie beside the weights (styles.py, corrections.py). The trainer
        may write into the arrays of ``model``. Equal seeds give equal numbers only if the result
        depends on the arguments alone: seed a new generator with (seed, site, version) in each call. A global
        generator would be shared by sites that train on threads.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ChangedTrainer:
    """A trainer of another, with its name, speed and samples, that trains in another way."""

    trainer: Trainer
    change: Callable[[Trainer, State, int, int], Update]  # takes the trainer, and the arguments of ``train``

    @property
    def name(self) -> str:
        """Return the site's name."""
        return self.trainer.name

    @property
    def speed(self) -> float:
        """Return the trainer's speed."""
        return self.trainer.speed

    @property
    def samples(self) -> int:
        """Return how many samples one epoch passes over."""
        return self.trainer.samples

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Train as ``change`` does."""
        return self.change(self.trainer, model, version, epochs)
