"""The state machine of a federation, without I/O: events in, commands out.

An engine reports events and carries out commands; sockets, threads, clocks and training are the engine's.
See events.py for all events and commands, and docs/reference/federation.md for the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fedbragg.errors import SumRefused, UpdateRejected
from fedbragg.federation import cohort, events
from fedbragg.federation.arrivals import Arrivals, UpdatedModel
from fedbragg.federation.commands import model_changed, save_checkpoint, send_newest
from fedbragg.federation.ensemble import Refine
from fedbragg.federation.masked_sums import MaskedSums, SumEnded
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Member, Roster, Standing
from fedbragg.federation.rules.apply import combine
from fedbragg.federation.rules.weights import Profile
from fedbragg.federation.site_memory import SiteMemory
from fedbragg.federation.versions import Versions
from fedbragg.federation.withdrawals import Withdrawals
from fedbragg.state_arithmetic import apply_steps
from fedbragg.types import State, Update


class Coordinator:
    """Decide who trains on what, what counts, and when the federation is over."""

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
        record = record or {"barrier": 0, "version": 0, "loss": None, "over": None, "sites": {}}
        self.plan = plan
        self.roster = Roster.restored(record["sites"]) if record["sites"] else Roster(sites)
        self.versions = Versions(model, record["version"])
        self.barrier: int = record["barrier"]  # number of barriers passed
        self.finished, self._now = False, 0.0
        self._refine = refine
        self._loss: float | None = record["loss"]  # mean over the sites at the last barrier
        self._over: str | None = record["over"]  # why the federation ends, once that is known
        self._arrivals = Arrivals(plan, self.roster, self.versions)
        self._sums = MaskedSums(plan, self.roster)
        self._memory = SiteMemory(plan, self.roster, memory or {})
        self._withdrawals = Withdrawals(plan, self.roster, self.versions)
        self._out: list[events.Command] = []
        cohort.draw_cohort(self.roster, plan, self.barrier)

    def handle(self, event: events.Event, now: float = 0.0) -> list[events.Command]:
        """Process an event at ``now`` seconds on the engine's clock; return the commands, none after Finish."""
        if self.finished:
            return []
        self._out, self._now = [], now
        match event:
            case events.Started():
                self._start()
            case events.SiteJoined(site):
                self._join(site)
            case events.UpdateArrived(update):
                self._update_arrived(update)
            case events.SiteTrained():
                self._trained(event)
            case events.SumAnswered(site, number, message):
                self._sum_goes_on(self._sums.answered(site, number, message))
            case events.SiteFailed(site, _, version):
                self._failed(site, version)
            case events.SiteRefused(site, version, _):
                self._refused(site, version)
            case events.SiteLeft(site, _):
                self._left(site)
            case events.DeadlinePassed(barrier):
                self._deadline(barrier)
        return self._out

    def _start(self) -> None:
        # If it is over, the process died after the last checkpoint, before Finish.
        self._set_deadline() if self._over is None else self._finish(self._over)

    # Sites that join, fail and leave

    def _join(self, site: str) -> None:
        member = self.roster.add(site)
        member.joined()
        if self.plan.privacy.secure:
            member.latest = member.training = None  # it has lost the keys for what it had offered
            self._sum_goes_on(self._sums.without([site]))
            if self.finished or member.training is not None:  # the sum has ended, and the next round begun
                return
        if member.chosen and not self._arrivals.waits(member):
            self._send(member)

    def _failed(self, site: str, version: int | None = None) -> None:
        training = self.roster[site].training if site in self.roster else None
        if training is not None and version in (None, training):
            self.roster[site].failed(self.plan.settings.patience)
            self._step_on(self._arrivals.without(site))
            self._settle()

    def _refused(self, site: str, version: int) -> None:
        """Let a site rest that refuses a model; where most refuse it, withdraw it, unless a sum already runs."""
        if site in self.roster and self.roster[site].training == version:
            self.roster[site].refuse()
            self._step_on(self._arrivals.without(site))
            self._withdraw() if self._withdrawals.due and not self._sums.running else self._settle()

    def _withdraw(self) -> None:
        commands, end = self._withdrawals.withdraw()
        self._out += commands
        if commands:
            self._memory.go_back()
        self._arrivals.clear()
        self._begin() if end is None else self._finish(end)

    def _left(self, site: str) -> None:
        if site in self.roster:
            self.roster[site].standing, self.roster[site].training = Standing.GONE, None
            if self.plan.privacy.secure:
                self.roster[site].latest = None  # what it offered can be summed with its help only
            self._sum_goes_on(self._sums.without([site]))
            self._step_on(self._arrivals.without(site))
            self._settle()

    def _deadline(self, barrier: int) -> None:
        if barrier != self.barrier:
            return
        if self._sums.running:
            self._sum_goes_on(self._sums.without_late())
            return
        late = self.roster.awaited()
        if not late and not cohort.enough_reports(self.roster, self.plan):
            self._finish(self.plan.reason_without_sites)
            return
        for member in late:
            member.too_late(self.plan.settings.patience)
            self._out.append(events.Abandon(member.name, self.plan.reason_late))
            self._step_on(self._arrivals.without(member.name))
        self._settle()

    # Updates

    def _update_arrived(self, update: Update) -> None:
        if update.site not in self.roster:
            self._out.append(events.Reject(update.site, update.version, "no site of that name has joined"))
            return
        member = self.roster[update.site]
        if member.training != update.version:
            self._too_late(member, update.version)
            return
        try:
            length = cohort.checked_length(self.roster, self.plan, self.versions, update)
        except UpdateRejected as refusal:
            self._out.append(events.Reject(member.name, update.version, str(refusal)))
            self._failed(member.name)
        else:
            self._accept(member, update, length)

    def _too_late(self, member: Member, version: int) -> None:
        back = version == member.overdue  # it was dropped at a deadline, but still works
        late = member.training is not None or back
        reason = "late: a barrier has passed" if late else "no update is expected from it"
        self._out.append(events.Reject(member.name, version, reason))
        if back:
            self._join(member.name)

    def _accept(self, member: Member, update: Update, length: float) -> None:
        step = self.plan.whole(member.name, update.tensors)
        member.length = max(member.length, length) if member.reported else length
        member.profile = Profile(update.samples, update.label_counts, update.steps)
        member.loss, member.failures, member.training = update.loss, 0, None
        member.style, member.gradient = update.style, update.gradient
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
            self._out.append(model_changed(self.versions, self.barrier, updated, at_barrier=False))
        for member in (member for member in updated.free if member.standing is Standing.ACTIVE):
            self._send(member)

    # Barriers

    def _settle(self) -> None:
        """Pass the barrier when no site is awaited; if none could report, retry with those that failed."""
        if self.finished or self.roster.awaited() or self._sums.running:
            return
        enough = cohort.enough_reports(self.roster, self.plan)
        if enough and self.plan.privacy.secure:
            self._sum_goes_on(self._sums.begin(self.versions.barrier_model, self.barrier))
        elif enough:
            self._pass_barrier()
        elif self._withdrawals.refusing:
            self._withdraw()
        elif self.roster.with_standing(Standing.RESTING):
            self._begin()
        else:
            self._set_deadline()  # one more deadline for a site to join

    def _pass_barrier(self) -> None:
        members, rejected = cohort.without_outliers(self.roster.reported(), self.plan, self.versions.number)
        self._out += rejected
        start = self.versions.barrier_model
        weights = cohort.weights_at_barrier(self.roster, members, self.plan, start)
        self._withdrawals.barrier_passed()
        if self.plan.combines_at_barriers:
            model: State = combine(start, cohort.steps_of(members), weights, self.plan.settings)
            model = self._memory.after_barrier(model, members)
            if self._refine is not None:
                model = self._refine(model, cohort.models_of(members, self.plan, start))
            self.versions.pass_barrier(model)
            self._arrivals.clear()
        self.barrier += 1
        made = UpdatedModel(self.versions.newest, members, weights, ())
        self._out.append(model_changed(self.versions, self.barrier, made, at_barrier=True))
        self._go_on_or_end(cohort.mean_loss(members, weights))

    def _go_on_or_end(self, loss: float) -> None:
        """Begin the next round, or end, after a barrier with this mean loss."""
        fell_by = None if self._loss is None else self._loss - loss
        self._loss = loss
        self._over = self.plan.reason_to_end(self.barrier, fell_by)
        progress = {"barrier": self.barrier, "loss": self._loss, "over": self._over}
        self._out.append(save_checkpoint(self.versions, self.roster, progress, self._memory.tensors))
        self._begin() if self._over is None else self._finish(self._over)

    def _begin(self) -> None:
        """Start the round to the next barrier: every site drawn for it trains on the newest model."""
        self._sums.clear()
        for member in self.roster:
            member.latest, member.refused = None, False
            if member.standing is Standing.RESTING:
                member.standing = Standing.ACTIVE
        cohort.draw_cohort(self.roster, self.plan, self.barrier)
        for member in self.roster.with_standing(Standing.ACTIVE):
            # A barrier that makes a new model supersedes running trainings.
            if member.chosen and (self.plan.combines_at_barriers or self._arrivals.idle(member)):
                self._send(member)
            elif not member.chosen:
                member.training = None
        self._set_deadline()

    # Masked sums, in place of updates

    def _trained(self, event: events.SiteTrained) -> None:
        if event.site not in self.roster or not self.plan.privacy.secure:
            self._out.append(events.Reject(event.site, event.version, "no masked sum is expected from it"))
        elif (member := self.roster[event.site]).training != event.version:
            self._too_late(member, event.version)
        else:
            member.training, member.latest = None, {}  # an empty state records that the site has reported
            self._sums.offer(event.advert)
            self._settle()

    def _sum_goes_on(self, commands: Sequence[events.Command]) -> None:
        self._out += commands
        match self._sums.take_outcome():
            case SumEnded(mean, sites):
                self._withdrawals.barrier_passed()
                self.versions.pass_barrier(apply_steps(self.versions.barrier_model, [mean.step], [1.0]))
                self.barrier += 1
                summed, new = events.MaskedSum(sites, mean.loss), self.versions
                change = events.ModelChanged(new.number, self.barrier, True, new.newest, {}, {}, summed)
                self._out.append(change)
                self._go_on_or_end(mean.loss)
            case SumRefused() as refusal:
                self._out.append(events.SumFailed(str(refusal)))
                why = self._sums.reason_to_end()
                self._begin() if why is None else self._finish(why)

    # Commands

    def _send(self, member: Member) -> None:
        self._step_on(self._arrivals.without(member.name))  # what it was training is superseded
        epochs = self._arrivals.epochs(member, self._now)
        model = self._memory.beside(member.name, self.plan.part(member.name, self.versions.newest))
        self._out.append(send_newest(member, self.roster, self.versions, model, epochs))

    def _set_deadline(self) -> None:
        self._out.append(events.SetDeadline(self.barrier, self.plan.settings.deadline))

    def _finish(self, reason: str) -> None:
        self.finished = True
        self._out.append(events.Finish(self.versions.newest, reason))
