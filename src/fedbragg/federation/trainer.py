"""What a federation needs of a site: a name, how long training takes, and training itself."""

from __future__ import annotations

from typing import Protocol

from fedbragg.types import State, Update


class Trainer(Protocol):
    """One site's side: its data stay inside, updates come out."""

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

        The arrays of ``model`` are the trainer's own. For equal seeds to give equal numbers the result must
        depend on the arguments alone: take randomness from a generator seeded by (seed, site, version), not
        from one that lives from call to call, and not from a global one, as sites train on threads.
        """
        ...
