"""Apply updates to the model as they arrive, alone or in groups: the asynchronous part of the schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedbragg.federation.cohort import arrival_weight, site_share, steps_of, weights_at_barrier
from fedbragg.federation.compass import Compass
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
    """A model after one or more arrivals, the sites whose updates it includes, and those that may train on it."""

    model: State
    members: Sequence[Member]
    weights: Sequence[float]
    free: Sequence[Member]  # the remaining work concerns these


@dataclass(frozen=True, slots=True, eq=False)
class HeldUpdate:
    """An update that waits for those of its group."""

    member: Member
    step: State
    changes: int  # of the model, when its training began


class Arrivals:
    """Collect updates and step by them, each with its site's weight, damped by its age."""

    def __init__(self, plan: Plan, roster: Roster, versions: Versions) -> None:
        self._plan = plan
        self._roster = roster
        self._versions = versions
        self._buffer: list[tuple[Member, State, float]] = []
        grouped = plan.settings.schedule == "compass"
        self._compass = Compass(*plan.settings.compass_epochs) if grouped else None
        self._held: dict[str, HeldUpdate] = {}

    def take(self, member: Member, version: int, step: State, now: float) -> UpdatedModel:
        """Return the step that this update completes; while buffer or group are not full, its model is unchanged."""
        settings, versions = self._plan.settings, self._versions
        if self._compass is not None:
            self._held[member.name] = HeldUpdate(member, step, versions.changes_at(version))
            return self._grouped(self._compass.arrived(member.name, now))
        if self._plan.rule.on_arrival == "recombine":
            return self._recombine(member)
        if self._plan.rule.on_arrival == "mix":
            step = versions.rebased(version, step, versions.newest)
        weight = arrival_weight(self._roster, member, self._plan) * damping(versions.age(version), settings)
        self._buffer.append((member, step, weight))
        if len(self._buffer) < settings.buffer:
            return UpdatedModel(versions.newest, (), (), [member])
        members, steps, weights = zip(*self._buffer, strict=True)
        self.clear()
        shares = [weight / len(members) for weight in weights]
        return UpdatedModel(apply_steps(versions.newest, steps, shares), members, shares, [member])

    def without(self, site: str) -> UpdatedModel:
        """Expect no update of a site any more; return the step that its group makes if it is complete without it."""
        return self._grouped(self._compass.without(site) if self._compass is not None else [])

    def waits(self, member: Member) -> bool:
        """Return whether a site must not train yet, because its update waits for other sites."""
        if self._compass is not None:
            return self._compass.waits(member.name)
        return self._plan.settings.schedule == "sync" and member.reported

    def idle(self, member: Member) -> bool:
        """Return whether a site neither trains nor waits."""
        return member.training is None and not self.waits(member)

    def epochs(self, member: Member, now: float) -> int:
        """Return for how many epochs a site trains next."""
        epochs = self._plan.epochs if member.counted else self._plan.warmup_epochs
        return epochs if self._compass is None else self._compass.epochs(member.name, epochs, now)

    def clear(self) -> None:
        """Empty the buffer, because a barrier has counted its updates."""
        self._buffer = []

    def _grouped(self, sites: Sequence[str]) -> UpdatedModel:
        """Combine a group's updates: the sum of share times damping times step (FedCompass, see compass.py)."""
        held = [self._held.pop(site) for site in sites]
        members, newest = [one.member for one in held], self._versions.newest
        ages = [self._versions.changes - one.changes for one in held]
        shares = [
            site_share(self._roster, one.member, self._plan) * damping(age, self._plan.settings)
            for one, age in zip(held, ages, strict=True)
        ]
        model = apply_steps(newest, [one.step for one in held], shares) if held else newest
        return UpdatedModel(model, members, shares, members)

    def _recombine(self, member: Member) -> UpdatedModel:
        """Combine the newest step of every site; a single update may be an attack."""
        members, start = self._roster.reported(), self._versions.barrier_model
        if len(members) < FEWEST_TO_RECOMBINE:
            return UpdatedModel(self._versions.newest, (), (), [member])
        weights = weights_at_barrier(self._roster, members, self._plan, start)
        model = combine(start, steps_of(members), weights, self._plan.settings)
        return UpdatedModel(model, members, weights, [member])
