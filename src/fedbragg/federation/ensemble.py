"""Different networks in one global model, and how they learn from one another at a barrier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from fedbragg.types import State

Refine = Callable[[State, Mapping[str, State]], State]
"""Improves a barrier's model before it is sent: takes the combined model and each site's own, returns a model."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The networks of a federation whose sites differ."""

    networks: Mapping[str, str] = field(default_factory=dict)
    """The network's name for each site; empty where all sites run the same one."""
    refine: Refine | None = None
    """Called at each barrier, for example distil.distillation."""


def join_networks(models: Mapping[str, State]) -> dict[str, NDArray[Any]]:
    """Return one global model that holds several networks, each tensor under ``network/``."""
    return {f"{network}/{name}": t for network, model in models.items() for name, t in model.items()}


def part_of(network: str, model: State) -> dict[str, NDArray[Any]]:
    """Return one network's tensors of a global model that holds several, under the network's own names."""
    prefix = f"{network}/"
    return {name.removeprefix(prefix): t for name, t in model.items() if name.startswith(prefix)}
