"""What a federation tells of its progress, line by line; the same lines make history.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from fedbragg.types import State


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that happened; what does not apply is None or empty."""

    event: str  # start, joined, sent, update, step, barrier, rejected, failed, left, abandoned, finish
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
        """Return it as JSON, without what does not apply; JSON has no NaN, so that becomes null or is left out."""
        told = {name: _in_json(value) for name, value in asdict(self).items()}
        return {name: value for name, value in told.items() if value is not None and value != {}}


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a federation leaves."""

    model: State
    history: list[dict[str, Any]]
    barriers: int
    reason: str  # why it ended


def _in_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_json(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value
