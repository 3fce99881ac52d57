"""What a federation tells of its progress, line by line; the same lines make history.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fedbragg.types import State


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that happened; what does not apply is None or empty."""

    event: str  # start, sent, update, rejected, failed, left, abandoned, arrival, barrier, finish
    time: float  # on the engine's clock, from the federation's start
    version: int | None = None
    barrier: int | None = None  # barriers passed so far
    site: str | None = None
    epochs: int | None = None
    samples: int | None = None
    loss: float | None = None
    bytes: int | None = None  # that an update's tensors took on the way
    reason: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    losses: Mapping[str, float] = field(default_factory=dict)
    evaluation: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON, without what does not apply."""
        return {name: value for name, value in asdict(self).items() if value is not None and value != {}}


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a federation leaves."""

    model: State
    history: list[dict[str, Any]]
    barriers: int
    reason: str  # why it ended
