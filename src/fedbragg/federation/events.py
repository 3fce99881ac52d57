"""What an engine tells the coordinator, and what the coordinator bids the engine do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fedbragg.types import State, Update

# Events: an engine hands them to Coordinator.handle in the order in which they happened.


@dataclass(frozen=True, slots=True)
class Started:
    """The engine is ready; deadlines count from here."""


@dataclass(frozen=True, slots=True)
class SiteJoined:
    """A site is there, for the first time or again, and has nothing to do."""

    site: str


@dataclass(frozen=True, slots=True, eq=False)
class UpdateArrived:
    """A site has trained."""

    update: Update


@dataclass(frozen=True, slots=True)
class SiteFailed:
    """A site's training ended without an update; the site itself is still there."""

    site: str
    reason: str
    version: int | None = None  # what it trained on; a failure of work already superseded is of no effect


@dataclass(frozen=True, slots=True)
class SiteLeft:
    """A site is gone until it joins again."""

    site: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The time that SetDeadline gave is over; one of an earlier barrier is of no effect."""

    barrier: int


Event = Started | SiteJoined | UpdateArrived | SiteFailed | SiteLeft | DeadlinePassed


# Commands: an engine carries them out in order.


@dataclass(frozen=True, slots=True, eq=False)
class SendModel:
    """Have a site train; whatever it was doing before is superseded and may be stopped."""

    site: str
    version: int
    model: State  # shared with the coordinator: read only
    epochs: int


@dataclass(frozen=True, slots=True)
class SetDeadline:
    """Return DeadlinePassed(barrier) after this long; it takes the place of any earlier deadline."""

    barrier: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Abandon:
    """Stop what a site is doing: nobody waits for it any more."""

    site: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reject:
    """An update did not count; nothing to do but to say so."""

    site: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class ModelChanged:
    """There is a new global model, by one site's arrival or by a barrier."""

    version: int
    barrier: int  # how many barriers have been passed
    at_barrier: bool
    model: State
    weights: Mapping[str, float]  # each site's share in the step
    losses: Mapping[str, float]  # the training loss that each of those sites reported


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Save the model and the record; from these the federation can go on."""

    model: State
    record: Mapping[str, Any]  # JSON


@dataclass(frozen=True, slots=True, eq=False)
class Finish:
    """The federation is over; every site may stop."""

    model: State
    reason: str


Command = SendModel | SetDeadline | Abandon | Reject | ModelChanged | Checkpoint | Finish
