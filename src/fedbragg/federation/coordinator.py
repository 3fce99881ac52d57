"""The state machine of a federation, without I/O: events in, commands out.

An engine reports events and carries out commands; sockets, threads, clocks and training are the engine's.
See events.py for all events and commands, and docs/reference/federation.md for the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fedbragg.errors import UpdateRejected
from fedbragg.federation import cohort, events
from fedbragg.federation.arrivals import Arrivals, UpdatedModel
from fedbragg.federation.barriers import FIRST, Barriers
from fedbragg.federation.commands import model_changed, send_model
from fedbragg.federation.ensemble import Refine
from fedbragg.federation.masked_rounds import BarrierDue, MaskedRounds, RefusedSum, SteppedBySum
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Member, Roster, Standing
from fedbragg.federation.site_memory import SiteMemory
from fedbragg.federation.versions import Versions
from fedbragg.federation.withdrawals import Withdrawals
from fedbragg.types import State, Update


class Coordinator:
    """Decide which site trains on which version, which updates count, and when the federation is over."""

    def __init__(
        self,
        plan: Plan,
        sites: Sequence[str],
        model: State,
        record: Mapping[str, Any] | None = None,
        refine: Refine | None = None,
        memory: State | None = None,
    ) -> None:
        """Start with ``model``, or resume from the ``record`` and ``memory`` of the SaveCheckpoint that holds it."""
        record = record or {**FIRST, "version": 0, "sites": {}}
        self.plan = plan
        self.roster = Roster.restored(record["sites"]) if record["sites"] else Roster(sites)
        self.versions = Versions(model, record["version"])
        self.finished, self._now = False, 0.0
        self._arrivals = Arrivals(plan, self.roster, self.versions)
        self._masked = MaskedRounds(plan, self.roster, self.versions)
        self._memory = SiteMemory(plan, self.roster, memory or {})
        self.barriers = Barriers(plan, self.roster, self.versions, self._memory, record, refine)
        self._withdrawals = Withdrawals(plan, self.roster, self.versions)
        self._out: list[events.Command] = []
        cohort.draw_cohort(self.roster, plan, self.barriers.passed)

    def handle(self, event: events.Event, now: float = 0.0) -> list[events.Command]:
        """Process an event at ``now`` seconds on the engine's clock; return the commands, none after Finish."""
        if self.finished:
            return []
        self._out, self._now = [], now
        match event:
            case events.Started():  # it has ended where the process died after the last checkpoint, before Finish
                self._set_deadline() if self.barriers.over is None else self._finish(self.barriers.over)
            case events.SiteJoined(site):
                self._join(site)
            case events.UpdateArrived(update):
                self._update_arrived(update)
            case events.SiteTrained():
                self._trained(event)
            case events.SumAnswered(site, number, message):
                self._sum_goes_on(self._masked.answered(site, number, message))
            case events.SiteFailed(site, _, version):
                self._failed(site, version)
            case events.SiteRefused(site, version, _):
                self._refused(site, version)
            case events.SiteLeft(site, _):
                self._left(site)
            case events.DeadlinePassed(barrier):
                self._deadline(barrier)
        return self._out

    # Sites that join, fail and leave

    def _join(self, site: str) -> None:
        member = self.roster.add(site)
        member.joined()
        if self.plan.privacy.secure:
            self._sum_goes_on(self._masked.rejoined(member))
            if self.finished or member.training is not None:  # the sum has ended, and the next round begun
                return
        if member.standing is Standing.RESTING:
            self._settle()
        elif member.chosen and not self._arrivals.waits(member):
            self._send(member)

    def _failed(self, site: str, version: int | None = None) -> None:
        member = self.roster.get(site)
        if member is not None and member.training is not None and version in (None, member.training):
            member.failed(self.plan.settings.patience)
            self._expect_nothing(site)
            self._settle()

    def _refused(self, site: str, version: int) -> None:
        """Let a site rest that refuses a model; where most refuse it, withdraw it, unless a sum already runs."""
        if site in self.roster and self.roster[site].training == version:
            self.roster[site].refuse()
            self._expect_nothing(site)
            self._withdraw() if self._withdrawals.due and not self._masked.running else self._settle()

    def _withdraw(self) -> None:
        commands, end = self._withdrawals.withdraw()
        self._out += commands
        if commands:
            self._memory.go_back()
        self._arrivals.clear()
        self._begin() if end is None else self._finish(end)

    def _left(self, site: str) -> None:
        if (member := self.roster.get(site)) is not None:
            member.standing, member.training = Standing.GONE, None
            if self.plan.privacy.secure:
                member.latest = None  # its offer can be summed with its help only
                self._sum_goes_on(self._masked.without([site]))
            self._expect_nothing(site)
            self._settle()

    def _expect_nothing(self, site: str) -> None:
        self._masked.expect_nothing(site)
        self._step_on(self._arrivals.without(site))

    def _deadline(self, barrier: int) -> None:
        late = self.roster.awaited()
        if barrier != self.barriers.passed:
            return
        if self._masked.running:
            self._sum_goes_on(self._masked.without_late())
        elif late or cohort.enough_reports(self.roster, self.plan):
            for member in late:
                member.too_late(self.plan.settings.patience)
                self._out.append(events.Abandon(member.name, self.plan.reason_late))
                self._expect_nothing(member.name)
            self._settle()
        else:
            self._finish(self.plan.reason_without_sites)

    # Updates

    def _update_arrived(self, update: Update) -> None:
        if (member := self._trained_as_asked(update.site, update.version)) is None:
            return
        try:
            length = cohort.checked_length(self.roster, self.plan, self.versions, update)
        except UpdateRejected as refusal:
            self._out.append(events.Reject(member.name, update.version, str(refusal)))
            self._failed(member.name)
        else:
            self._accept(member, update, length)

    def _trained_as_asked(self, site: str, version: int) -> Member | None:
        """Return the site if it was to train on this version; otherwise reject its update."""
        member = self.roster.get(site)
        if member is not None and member.training == version:
            return member
        reason = member.unexpected(version) if member else "no site of that name has joined"
        self._out.append(events.Reject(site, version, reason))
        if member is not None and version == member.overdue:  # it was dropped at a deadline, but still works
            self._join(site)
        return None

    def _accept(self, member: Member, update: Update, length: float) -> None:
        step = self.plan.whole(member.name, update.tensors)
        member.take(update, length)
        combines, base = self.plan.combines_at_barriers, self.versions.barrier_model
        # A barrier that combines nothing needs no step; an empty state records that the site has reported.
        member.latest = self.versions.rebased(update.version, step, base) if combines else {}
        # The last update before a hybrid barrier makes no step: the barrier would replace it at once.
        if not combines or (self.plan.settings.schedule == "hybrid" and self.roster.awaited()):
            self._step_on(self._arrivals.take(member, update.version, step, self._now))
        self._settle()

    def _step_on(self, updated: UpdatedModel) -> None:
        """Make an updated model the newest, and have the sites that are free train on it."""
        if updated.free:
            self.versions.advance(updated.model, {m.training for m in self.roster if m.training is not None})
        if updated.members:
            self._out.append(model_changed(self.versions, self.barriers.passed, updated, at_barrier=False))
        for member in (member for member in updated.free if member.standing is Standing.ACTIVE):
            self._send(member)

    # Barriers

    def _settle(self) -> None:
        """Begin a sum or pass the barrier once all have reported; if none could, retry with those that failed."""
        if self.finished or self._masked.running:
            return
        if (commands := self._masked.begin_sum(self.barriers.passed)) is not None:
            self._sum_goes_on(commands)
        elif self._masked.complete:
            self._pass_summed_barrier()
        elif self.roster.awaited():
            pass
        elif cohort.enough_reports(self.roster, self.plan) and not self.plan.privacy.secure:
            self._pass_barrier()
        elif self._withdrawals.refusing:
            self._withdraw()
        elif self.roster.with_standing(Standing.RESTING):
            self._begin()
        else:
            self._set_deadline()  # one more deadline for a site to join

    def _pass_barrier(self) -> None:
        self._withdrawals.barrier_passed()
        commands, loss = self.barriers.pass_with_reports()
        self._out += commands
        if self.plan.combines_at_barriers:
            self._arrivals.clear()
        self._go_on_or_end(loss)

    def _go_on_or_end(self, loss: float) -> None:
        """Begin the next round, or end, after a barrier with this mean loss."""
        self._out.append(self.barriers.note_loss(loss))
        self._begin() if self.barriers.over is None else self._finish(self.barriers.over)

    def _begin(self) -> None:
        """Start the round to the next barrier: every site drawn for it trains on the newest model."""
        self._masked.begin()
        self.roster.begin_round()
        cohort.draw_cohort(self.roster, self.plan, self.barriers.passed)
        for member in self.roster.with_standing(Standing.ACTIVE):
            # A barrier that makes a new model supersedes running trainings.
            if member.chosen and (self.plan.combines_at_barriers or self._arrivals.idle(member)):
                self._send(member)
            elif not member.chosen:
                member.training = None
        self._set_deadline()

    # Masked sums, in place of updates

    def _trained(self, event: events.SiteTrained) -> None:
        if not self.plan.privacy.secure:
            self._out.append(events.Reject(event.site, event.version, "no masked sum is expected from it"))
        elif (member := self._trained_as_asked(event.site, event.version)) is not None:
            member.training, member.latest = None, {}  # an empty state records that the site has reported
            self._masked.offer(event.advert)
            self._settle()

    def _sum_goes_on(self, commands: Sequence[events.Command]) -> None:
        self._out += commands
        match self._masked.take_outcome(self.barriers.passed):
            case SteppedBySum(changed, sites):
                self._out.append(changed)
                self._wait_on(sites)
            case BarrierDue():
                self._pass_summed_barrier()
            case RefusedSum(failed, end, again):
                self._out.append(failed)
                if end is not None:
                    self._finish(end)
                else:
                    self._begin() if again is None else self._wait_on(again)

    def _wait_on(self, free: Sequence[Member]) -> None:
        """Have the sites of a sum train, and wait for the barrier again; the sum's steps had deadlines of their own."""
        for member in free:
            self._send(member)
        self._out.append(self.barriers.same_deadline(self._now))
        self._settle()

    def _pass_summed_barrier(self) -> None:
        self._withdrawals.barrier_passed()
        self.barriers.passed += 1
        changed, loss = self._masked.pass_barrier(self.barriers.passed)
        self._out.append(changed)
        self._go_on_or_end(loss)

    def _send(self, member: Member) -> None:
        self._step_on(self._arrivals.without(member.name))  # its current training is superseded
        version, newest = self._masked.model_for(member.name)
        model = self._memory.beside(member.name, self.plan.part(member.name, newest))
        epochs = self._arrivals.epochs(member, self._now)
        self._out.append(send_model(member, self.roster, version, model, epochs))

    def _set_deadline(self) -> None:
        self._out.append(self.barriers.set_deadline(self._now))

    def _finish(self, reason: str) -> None:
        self.finished = True
        self._out.append(events.Finish(self.versions.newest, reason))
