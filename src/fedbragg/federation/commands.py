"""The longer commands of a coordinator, made from its plan, its sites and its versions of the model."""

from __future__ import annotations

from typing import Any

from fedbragg.federation import events
from fedbragg.federation.arrivals import UpdatedModel
from fedbragg.federation.roster import Member, Roster
from fedbragg.federation.versions import Versions
from fedbragg.styles import with_styles
from fedbragg.types import State


def send_model(member: Member, roster: Roster, version: int, model: State, epochs: int) -> events.SendModel:
    """Have a site train on a version; ``model`` holds the site's part and the tensors that the rule adds."""
    member.training, member.overdue = version, None
    styles = {other.name: other.style for other in roster if other is not member}
    return events.SendModel(member.name, version, with_styles(model, styles), epochs)


def model_changed(
    versions: Versions, barrier: int, made: UpdatedModel, *, at_barrier: bool
) -> events.ModelChanged:
    """Report that there is a new model, and which sites contributed to it."""
    shares = {member.name: weight for member, weight in zip(made.members, made.weights, strict=True)}
    losses = {member.name: member.loss for member in made.members}
    return events.ModelChanged(versions.number, barrier, at_barrier, versions.newest, shares, losses)


def save_checkpoint(
    versions: Versions, roster: Roster, progress: dict[str, Any], memory: State
) -> events.SaveCheckpoint:
    """Save the newest model, with the federation's progress and its rule's memory of the sites."""
    record = {**progress, "version": versions.number, "sites": roster.record()}
    return events.SaveCheckpoint(versions.newest, record, memory)
