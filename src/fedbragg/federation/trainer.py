"""What a federation needs from a site: a name, its training speed, and training itself."""

from __future__ import annotations

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
