"""The heart of a federation: a state machine without I/O. Events in, commands out.

An engine hands over what happened and carries out what it is bid; sockets, threads, clocks and training
are the engine's. See events.py for both vocabularies and docs/reference/federation.md for the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fedbragg.config import Federation, FederationSettings
from fedbragg.errors import UpdateRejected
from fedbragg.federation.aggregate import RULES, Profile, capped
from fedbragg.federation.events import (
    Abandon,
    Checkpoint,
    Command,
    DeadlinePassed,
    Event,
    Finish,
    ModelChanged,
    Reject,
    SendModel,
    SetDeadline,
    SiteFailed,
    SiteJoined,
    SiteLeft,
    Started,
    UpdateArrived,
)
from fedbragg.federation.roster import Member, Roster, Standing
from fedbragg.federation.staleness import damping
from fedbragg.federation.states import moved, norm
from fedbragg.federation.validate import check, check_norm
from fedbragg.federation.versions import Versions
from fedbragg.types import State, Update


@dataclass(frozen=True, slots=True)
class Plan:
    """What a coordinator has to know of the settings file."""

    rules: FederationSettings
    warmup_epochs: int
    epochs: int
    seed: int

    @classmethod
    def of(cls, settings: Federation) -> Plan:
        """Take from the settings what concerns the coordinator."""
        training = settings.training
        return cls(settings.federation, training.warmup_epochs, training.epochs, settings.seed)


class Coordinator:
    """Decide who trains on what, what counts, and when the federation is over."""

    def __init__(
        self, plan: Plan, sites: Sequence[str], model: State, record: Mapping[str, Any] | None = None
    ) -> None:
        """Start with ``model``, or go on from the ``record`` that a Checkpoint gave together with it."""
        record = record or {"barrier": 0, "version": 0, "loss": None, "sites": {}}
        self.plan = plan
        self.roster = Roster.restored(record["sites"]) if record["sites"] else Roster(sites)
        self.versions = Versions(model, record["version"])
        self.barrier: int = record["barrier"]  # how many barriers have been passed
        self.finished = False
        self._loss: float | None = record["loss"]  # mean over the sites at the last barrier
        self._buffer: list[tuple[Member, Update, float]] = []
        self._out: list[Command] = []

    def handle(self, event: Event) -> list[Command]:
        """Take in what happened and return what to do about it; after Finish nothing is to be done."""
        if self.finished:
            return []
        self._out = []
        match event:
            case Started():
                self._set_deadline()
            case SiteJoined(site):
                self._join(site)
            case UpdateArrived(update):
                self._judge(update)
            case SiteFailed(site, _):
                self._failed(site)
            case SiteLeft(site, _):
                self._left(site)
            case DeadlinePassed(barrier):
                self._deadline(barrier)
        return self._out

    # Sites coming and going

    def _join(self, site: str) -> None:
        member = self.roster.add(site)
        member.standing, member.failures, member.overdue = Standing.ACTIVE, 0, None
        if not (member.reported and self.plan.rules.schedule == "sync"):
            self._send(member)

    def _failed(self, site: str) -> None:
        if site in self.roster and self.roster[site].training is not None:
            self.roster[site].failed(self.plan.rules.patience)
            self._settle()

    def _left(self, site: str) -> None:
        if site in self.roster:
            self.roster[site].standing, self.roster[site].training = Standing.GONE, None
            self._settle()

    def _deadline(self, barrier: int) -> None:
        if barrier != self.barrier:
            return
        late = self.roster.awaited()
        if not late and not self.roster.reported():
            self._finish("no site is left")
            return
        for member in late:
            never_seen, member.overdue = member.standing is Standing.EXPECTED, member.training
            member.failed(1 if never_seen else self.plan.rules.patience)
            self._out.append(Abandon(member.name, f"no update within {self.plan.rules.deadline:g} s"))
        self._settle()

    # Updates

    def _judge(self, update: Update) -> None:
        if update.site not in self.roster:
            self._out.append(Reject(update.site, update.version, "nobody of that name has joined"))
            return
        member = self.roster[update.site]
        if member.training != update.version:
            self._too_late(member, update.version)
            return
        try:
            self._check(member, update)
        except UpdateRejected as refusal:
            self._out.append(Reject(member.name, update.version, str(refusal)))
            self._failed(member.name)
        else:
            self._accept(member, update)

    def _too_late(self, member: Member, version: int) -> None:
        back = version == member.overdue
        reason = (
            "late: a barrier has passed" if member.training is not None or back else "nobody waits for it"
        )
        self._out.append(Reject(member.name, version, reason))
        if back:  # dropped at a deadline, now idle and evidently alive
            self._join(member.name)

    def _check(self, member: Member, update: Update) -> None:
        known = next((m.profile for m in self.roster if m.profile is not None), None)
        check(update, self.versions.model(update.version), known)
        check_norm(norm(update.tensors), self.roster.other_lengths(member), self.plan.rules.norm_factor)

    def _accept(self, member: Member, update: Update) -> None:
        length, age = norm(update.tensors), self.versions.age(update.version)
        member.length = max(member.length, length) if member.reported else length
        member.profile = Profile(update.samples, update.label_counts)
        member.loss, member.failures, member.training = update.loss, 0, None
        member.latest = self.versions.since_barrier(update.version, update.tensors)
        schedule = self.plan.rules.schedule
        # At a hybrid barrier the step would be overwritten at once, so it is left out.
        if schedule == "async" or (schedule == "hybrid" and self.roster.awaited()):
            self._buffer.append((member, update, damping(age, self.plan.rules)))
            self._step()
            self._send(member)
        self._settle()

    def _step(self) -> None:
        """Move the newest model by the gathered updates, each by its site's share and damped by its age."""
        model, losses = self.versions.newest, {}
        weights = {
            member.name: share * d for (member, _, d), share in zip(self._buffer, self._shares(), strict=True)
        }
        if full := len(self._buffer) >= self.plan.rules.buffer:
            model = moved(model, [update.tensors for _, update, _ in self._buffer], list(weights.values()))
            losses = {member.name: update.loss for member, update, _ in self._buffer}
            self._buffer = []
        self.versions.advance(model, [m.training for m in self.roster if m.training is not None])
        if full:
            self._changed(weights, losses, at_barrier=False)

    def _shares(self) -> list[float]:
        """Return the gathered sites' weights among all; sites not heard of yet count as average ones."""
        heard = [member for member in self.roster if member.profile is not None]
        present = [m for m in self.roster if m.standing is not Standing.GONE or m.profile is not None]
        weights = dict(zip((m.name for m in heard), self._weights(heard), strict=True))
        return [weights[member.name] * len(heard) / len(present) for member, _, _ in self._buffer]

    def _weights(self, members: Sequence[Member]) -> list[float]:
        profiles = [member.profile for member in members if member.profile is not None]
        rule = RULES[self.plan.rules.aggregation]
        return [float(weight) for weight in rule(capped(profiles, self.plan.rules.sample_factor))]

    # Barriers

    def _settle(self) -> None:
        """Pass the barrier once nobody is awaited; if nobody could report, try again with those who failed."""
        if self.roster.awaited():
            return
        if self.roster.reported():
            self._pass_barrier()
        elif self.roster.with_standing(Standing.RESTING):
            self._begin()
        else:
            self._set_deadline()  # a last call for anybody to join

    def _pass_barrier(self) -> None:
        members = self._without_outliers(self.roster.reported())
        weights = self._weights(members)
        if self.plan.rules.schedule != "async":
            steps = [member.latest for member in members if member.latest is not None]
            self.versions.pass_barrier(moved(self.versions.barrier_model, steps, weights))
            self._buffer = []
        self.barrier += 1
        names = [member.name for member in members]
        loss = sum(w * member.loss for w, member in zip(weights, members, strict=True))
        self._changed(
            dict(zip(names, weights, strict=True)), {m.name: m.loss for m in members}, at_barrier=True
        )
        fell_by = None if self._loss is None else self._loss - loss
        self._loss = loss
        self._checkpoint()
        self._go_on_or_finish(fell_by)

    def _without_outliers(self, members: list[Member]) -> list[Member]:
        """Judge the reports by one another: the first to arrive had nothing to be compared with."""
        kept = []
        for member in members:
            others = [other.length for other in members if other is not member]
            try:
                check_norm(member.length, others, self.plan.rules.norm_factor)
            except UpdateRejected as refusal:
                self._out.append(Reject(member.name, self.versions.number, str(refusal)))
                member.failed(self.plan.rules.patience)
            else:
                kept.append(member)
        return kept

    def _go_on_or_finish(self, fell_by: float | None) -> None:
        rules = self.plan.rules
        if self.barrier >= rules.barriers:
            self._finish(f"all {rules.barriers} barriers passed")
        elif rules.stop_threshold and fell_by is not None and fell_by < rules.stop_threshold:
            self._finish(
                f"the loss fell by {fell_by:.3g}, less than {rules.stop_threshold:g}, between two barriers"
            )
        else:
            self._begin()

    def _begin(self) -> None:
        """Start the way to the next barrier: everybody who is there trains on the newest model."""
        for member in self.roster:
            member.latest = None
            if member.standing is Standing.RESTING:
                member.standing = Standing.ACTIVE
        for member in self.roster.with_standing(Standing.ACTIVE):
            # Asynchronously, whoever is training goes on; otherwise the barrier supersedes it.
            if self.plan.rules.schedule != "async" or member.training is None:
                self._send(member)
        self._set_deadline()

    # Commands

    def _send(self, member: Member) -> None:
        epochs = self.plan.warmup_epochs if member.profile is None else self.plan.epochs
        member.training = self.versions.number
        self._out.append(SendModel(member.name, self.versions.number, self.versions.newest, epochs))

    def _set_deadline(self) -> None:
        self._out.append(SetDeadline(self.barrier, self.plan.rules.deadline))

    def _changed(
        self, weights: Mapping[str, float], losses: Mapping[str, float], *, at_barrier: bool
    ) -> None:
        versions = self.versions
        self._out.append(
            ModelChanged(versions.number, self.barrier, at_barrier, versions.newest, weights, losses)
        )

    def _checkpoint(self) -> None:
        record = {
            "barrier": self.barrier,
            "version": self.versions.number,
            "loss": self._loss,
            "sites": self.roster.record(),
        }
        self._out.append(Checkpoint(self.versions.newest, record))

    def _finish(self, reason: str) -> None:
        self.finished = True
        self._out.append(Finish(self.versions.newest, reason))
