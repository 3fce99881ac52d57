"""What a coordinator has to know of the settings file, and of the sites' networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from fedbragg.config import Federation, FederationSettings
from fedbragg.federation.local_batchnorm import norm_names
from fedbragg.types import State


@dataclass(frozen=True, slots=True)
class Plan:
    """A federation's rules.

    Where sites run different networks, ``networks`` names each site's; the global model then holds all of
    them, the tensors of each under ``network/``, and a site sees only its own.
    """

    rules: FederationSettings
    warmup_epochs: int
    epochs: int
    seed: int
    networks: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Federation, networks: Mapping[str, str] | None = None) -> Plan:
        """Take from the settings what concerns the coordinator."""
        training = settings.training
        epochs = (training.warmup_epochs, training.epochs)
        return cls(settings.federation, *epochs, settings.seed, networks or {})

    def part(self, site: str, model: State) -> State:
        """Return what a site sees of the global model."""
        prefix = self._prefix(site)
        if not prefix:
            return model
        return {name.removeprefix(prefix): t for name, t in model.items() if name.startswith(prefix)}

    def whole(self, site: str, tensors: State) -> State:
        """Return a site's tensors under the names that the global model has for them."""
        prefix = self._prefix(site)
        return {prefix + name: tensor for name, tensor in tensors.items()} if prefix else tensors

    def wanted(self, site: str, model: State) -> State:
        """Return what a site is to send back an update for."""
        part = self.part(site, model)
        kept = norm_names(part) if self.rules.keep_norms else frozenset[str]()
        return {name: tensor for name, tensor in part.items() if name not in kept}

    def comparable(self, site: str, other: str) -> bool:
        """Tell whether two sites' updates have norms of the same kind."""
        return self._prefix(site) == self._prefix(other)

    def _prefix(self, site: str) -> str:
        return f"{self.networks[site]}/" if site in self.networks else ""


def joined(models: Mapping[str, State]) -> dict[str, NDArray[Any]]:
    """Put several networks into one global model, each under its name."""
    return {f"{network}/{name}": t for network, model in models.items() for name, t in model.items()}
