"""Events in, commands out: everything that an engine and the coordinator exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fedbragg.federation.secure.messages import Advert, ServerMessage, SiteMessage
from fedbragg.types import State, Update

# Events: an engine hands them to Coordinator.handle in the order in which they happened.


@dataclass(frozen=True, slots=True)
class Started:
    """The engine is ready; deadlines count from here."""


@dataclass(frozen=True, slots=True)
class SiteJoined:
    """A site has connected, for the first time or again, and is idle."""

    site: str


@dataclass(frozen=True, slots=True, eq=False)
class UpdateArrived:
    """A site has finished training."""

    update: Update


@dataclass(frozen=True, slots=True)
class SiteTrained:
    """A site has finished training and offers its update for a masked sum."""

    site: str
    version: int  # the version it trained on
    advert: Advert


@dataclass(frozen=True, slots=True, eq=False)
class SumAnswered:
    """A site has answered a message of a masked sum."""

    site: str
    number: int  # of the sum, as SendSumMessage gave it
    message: SiteMessage


@dataclass(frozen=True, slots=True)
class SiteFailed:
    """A site's training ended without an update; the site itself is still connected."""

    site: str
    reason: str
    version: int | None = None  # the version it trained on; a failure of superseded work is ignored


@dataclass(frozen=True, slots=True)
class SiteRefused:
    """A site does not train on a model, which is much worse than an earlier one on its held-out examples."""

    site: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class SiteLeft:
    """A site is gone until it joins again."""

    site: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The deadline that SetDeadline gave has passed; one of an earlier barrier is ignored."""

    barrier: int


Event = (
    Started
    | SiteJoined
    | UpdateArrived
    | SiteTrained
    | SumAnswered
    | SiteFailed
    | SiteRefused
    | SiteLeft
    | DeadlinePassed
)


# Commands: an engine carries them out in order.


@dataclass(frozen=True, slots=True, eq=False)
class SendModel:
    """Have a site train; its current training is superseded and may be stopped."""

    site: str
    version: int
    model: State  # shared with the coordinator: read-only; styles and a correction may lie beside the weights
    epochs: int


@dataclass(frozen=True, slots=True)
class SendSumMessage:
    """Send a site the next message of a masked sum and return its answer; a message before it counts no longer."""

    site: str
    number: int  # of the sum
    message: ServerMessage


@dataclass(frozen=True, slots=True)
class SumFailed:
    """A masked sum was refused; the engine reports it and does nothing else."""

    reason: str


@dataclass(frozen=True, slots=True)
class SetDeadline:
    """Return DeadlinePassed(barrier) after this time; it replaces any earlier deadline."""

    barrier: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Abandon:
    """Stop a site's training; its update would no longer count."""

    site: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reject:
    """An update did not count; the engine reports it and does nothing else."""

    site: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class MaskedSum:
    """The facts about a barrier whose updates were summed under masks."""

    sites: tuple[str, ...]
    loss: float  # weighted mean over these sites


@dataclass(frozen=True, slots=True, eq=False)
class ModelChanged:
    """There is a new global model, after an arrival or a barrier."""

    version: int
    barrier: int  # number of barriers passed
    at_barrier: bool
    model: State
    weights: Mapping[str, float]  # each site's share in the step
    losses: Mapping[str, float]  # the training loss that each of those sites reported
    summed: MaskedSum | None = None  # where weights and losses of single sites are not known


@dataclass(frozen=True, slots=True, eq=False)
class ModelWithdrawn:
    """The sites have refused a barrier's model; the one before it is the newest again."""

    version: int  # of the model that is the newest again
    model: State
    sites: tuple[str, ...]  # that refused


@dataclass(frozen=True, slots=True, eq=False)
class SaveCheckpoint:
    """Save the model and the record; the federation can resume from them."""

    model: State
    record: Mapping[str, Any]  # JSON
    memory: State = field(default_factory=dict)  # the rule's memory of the sites


@dataclass(frozen=True, slots=True, eq=False)
class Finish:
    """The federation has ended; every site may stop."""

    model: State
    reason: str


Command = (
    SendModel
    | SendSumMessage
    | SumFailed
    | SetDeadline
    | Abandon
    | Reject
    | ModelChanged
    | ModelWithdrawn
    | SaveCheckpoint
    | Finish
)
