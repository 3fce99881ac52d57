"""The events that a federation reports while it runs; the same events make history.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from fedbragg.types import State, Update


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """One thing that happened; fields that do not apply are None or empty."""

    event: str  # start, joined, sent, update, step, barrier, rejected, refused, vetoed, withdrawn, failed, left ...
    time: float  # on the engine's clock, from the federation's start
    version: int | None = None
    barrier: int | None = None  # barriers passed so far
    site: str | None = None
    epochs: int | None = None
    samples: int | None = None
    loss: float | None = None
    bytes: int | None = None  # size of an update's encoded tensors
    reason: str | None = None
    epsilon: float | None = None  # spent so far by each site's updates, with private training
    sites: tuple[str, ...] = ()  # in a masked sum, where weights and losses of single sites are not known
    weights: Mapping[str, float] = field(default_factory=dict)
    losses: Mapping[str, float] = field(default_factory=dict)
    evaluation: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the event as JSON without fields that do not apply; NaN, which JSON lacks, is null or left out."""
        fields = {name: _in_json(value) for name, value in asdict(self).items()}
        return {name: value for name, value in fields.items() if not _is_left_out(value)}


@dataclass(frozen=True, slots=True, eq=False)
class FederationOutcome:
    """The result of a federation."""

    model: State
    history: list[dict[str, Any]]
    barriers: int
    reason: str  # why it ended


def update_arrived(update: Update, nbytes: int, time: float) -> ProgressEvent:
    """Return the event of an update of ``nbytes`` that has arrived."""
    return ProgressEvent(
        "update",
        time,
        version=update.version,
        site=update.site,
        samples=update.samples,
        loss=update.loss,
        bytes=nbytes,
    )


def _is_left_out(value: Any) -> bool:
    return value is None or (isinstance(value, dict | tuple) and not value)


def _in_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_json(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value
