"""What an update does to the model on its arrival, before any barrier: the asynchronous half of the schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedbragg.config import ROBUST
from fedbragg.federation.cohort import arrival_weight, steps_of, weights_at_barrier
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Member, Roster
from fedbragg.federation.rules.combine import combine
from fedbragg.federation.staleness import damping
from fedbragg.federation.versions import Versions
from fedbragg.state_arithmetic import apply_steps
from fedbragg.types import State

FEWEST_ROBUST = 3
"""Sites below which a robust rule cannot tell who is odd."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A model made by arrivals, and whose."""

    model: State
    members: Sequence[Member]
    weights: Sequence[float]


class Arrivals:
    """Gather updates and step by them, each by its site's weight and damped by its age."""

    def __init__(self, plan: Plan, roster: Roster, versions: Versions) -> None:
        self._plan = plan
        self._roster = roster
        self._versions = versions
        self._gathered: list[tuple[Member, State, float]] = []

    def take(self, member: Member, version: int, step: State) -> Step | None:
        """Return the step that an update completes, None while more have to be gathered."""
        rules, versions = self._plan.rules, self._versions
        if rules.aggregation in ROBUST:
            return self._robust()
        if rules.aggregation == "fedasync":
            step = versions.rebased(version, step, versions.newest)
        weight = arrival_weight(self._roster, member, self._plan) * damping(versions.age(version), rules)
        self._gathered.append((member, step, weight))
        if len(self._gathered) < rules.buffer:
            return None
        members, steps, weights = zip(*self._gathered, strict=True)
        self.forget()
        shares = [weight / len(members) for weight in weights]
        return Step(apply_steps(versions.newest, steps, shares), members, shares)

    def forget(self) -> None:
        """Drop what is gathered: a barrier has counted it otherwise."""
        self._gathered = []

    def _robust(self) -> Step | None:
        """Combine everybody's newest work anew: a single update could not be told from an attack."""
        members = self._roster.reported()
        if len(members) < FEWEST_ROBUST:
            return None
        weights = weights_at_barrier(self._roster, members, self._plan)
        model = combine(self._versions.barrier_model, steps_of(members), weights, self._plan.rules)
        return Step(model, members, weights)
