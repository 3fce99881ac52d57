"""Apply updates to the model as they arrive, before a barrier: the asynchronous part of the schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedbragg.federation.cohort import arrival_weight, steps_of, weights_at_barrier
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Member, Roster
from fedbragg.federation.rules.apply import combine
from fedbragg.federation.staleness import damping
from fedbragg.federation.versions import Versions
from fedbragg.state_arithmetic import apply_steps
from fedbragg.types import State

FEWEST_TO_RECOMBINE = 3
"""Fewest reports among which a robust rule can recognise a hostile site."""


@dataclass(frozen=True, slots=True, eq=False)
class UpdatedModel:
    """A model after one or more arrivals, and the sites whose updates it includes."""

    model: State
    members: Sequence[Member]
    weights: Sequence[float]


class Arrivals:
    """Collect updates and step by them, each with its site's weight, damped by its age."""

    def __init__(self, plan: Plan, roster: Roster, versions: Versions) -> None:
        self._plan = plan
        self._roster = roster
        self._versions = versions
        self._buffer: list[tuple[Member, State, float]] = []

    def take(self, member: Member, version: int, step: State) -> UpdatedModel | None:
        """Return the step that this update completes, None while the buffer is not full."""
        settings, versions = self._plan.settings, self._versions
        if self._plan.rule.on_arrival == "recombine":
            return self._recombine()
        if self._plan.rule.on_arrival == "mix":
            step = versions.rebased(version, step, versions.newest)
        weight = arrival_weight(self._roster, member, self._plan) * damping(versions.age(version), settings)
        self._buffer.append((member, step, weight))
        if len(self._buffer) < settings.buffer:
            return None
        members, steps, weights = zip(*self._buffer, strict=True)
        self.clear()
        shares = [weight / len(members) for weight in weights]
        return UpdatedModel(apply_steps(versions.newest, steps, shares), members, shares)

    def clear(self) -> None:
        """Empty the buffer, because a barrier has counted its updates."""
        self._buffer = []

    def _recombine(self) -> UpdatedModel | None:
        """Combine the newest step of every site; a single update may be an attack."""
        members = self._roster.reported()
        if len(members) < FEWEST_TO_RECOMBINE:
            return None
        start = self._versions.barrier_model
        weights = weights_at_barrier(self._roster, members, self._plan, start)
        model = combine(start, steps_of(members), weights, self._plan.settings)
        return UpdatedModel(model, members, weights)
