"""Rounds of masked sums, as the coordinator drives them: choose the next sum, and apply it to the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedbragg.errors import SumRefused
from fedbragg.federation import events
from fedbragg.federation.masked_sums import MaskedSums, SumEnded
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Member, Roster, Standing
from fedbragg.federation.secure.messages import Advert, SiteMessage
from fedbragg.federation.sum_groups import SumGroups
from fedbragg.federation.versions import Versions
from fedbragg.types import State


@dataclass(frozen=True, slots=True, eq=False)
class SteppedBySum:
    """A sum has moved the model between barriers, and its sites train on."""

    changed: events.ModelChanged
    sites: Sequence[Member]


@dataclass(frozen=True, slots=True)
class BarrierDue:
    """The last sum of a round has been opened."""


@dataclass(frozen=True, slots=True, eq=False)
class RefusedSum:
    """A sum was refused; if ``end`` gives a reason, the federation ends."""

    failed: events.SumFailed
    end: str | None
    again: Sequence[Member] | None  # sites that train once more; None where the whole round begins again


class MaskedRounds:
    """The groups of sites whose updates are summed, and the sum in progress."""

    def __init__(self, plan: Plan, roster: Roster, versions: Versions) -> None:
        self._roster, self._versions = roster, versions
        self._sums = MaskedSums(plan, roster)
        self._groups = SumGroups(plan, roster, versions)
        self.secure = plan.privacy.secure

    @property
    def running(self) -> bool:
        """Return whether a sum is in progress."""
        return self._sums.running

    @property
    def complete(self) -> bool:
        """Return whether the barrier can pass."""
        return self._groups.complete

    def begin(self) -> None:
        """Begin a round; earlier offers do not count."""
        self._sums.clear()
        self._groups.begin()

    def offer(self, advert: Advert) -> None:
        """Note that a site has trained, and offers its update."""
        self._sums.offer(advert)
        self._groups.offer(advert.site, advert.bound)

    def expect_nothing(self, site: str) -> None:
        """Expect no further update of a site; it stays in a sum in progress."""
        self._groups.without(site)

    def without(self, sites: Sequence[str]) -> list[events.Command]:
        """Continue without sites that are gone, and without their offers."""
        for site in sites:
            self._groups.without(site)
        return self._sums.without(sites)

    def rejoined(self, member: Member) -> list[events.Command]:
        """Take a site back that has lost its keys; one whose update is in a sum already rests until the barrier."""
        member.latest = member.training = None
        if not self._groups.may_begin(member.name):
            member.standing = Standing.RESTING
        return self.without([member.name])

    def without_late(self) -> list[events.Command]:
        """Continue without the sites that have not answered in time."""
        return self._sums.without_late()

    def answered(self, site: str, number: int, message: SiteMessage) -> list[events.Command]:
        """Take a site's answer."""
        return self._sums.answered(site, number, message)

    def begin_sum(self, barrier: int) -> list[events.Command] | None:
        """Begin the next sum; return None where it must wait."""
        group = self._groups.next_sum() if self.secure else None
        return None if group is None else self._sums.begin(group.sites, group.start, barrier)

    def model_for(self, site: str) -> tuple[int, State]:
        """Return the version that a site trains on: the newest, or the barrier's if it comes late to a round."""
        new = self._versions
        late = self.secure and self._groups.may_begin(site)
        return (self._groups.version, new.barrier_model) if late else (new.number, new.newest)

    def take_outcome(self, barrier: int) -> SteppedBySum | BarrierDue | RefusedSum | None:
        """Return the outcome of the sum that has ended, once; None while it runs."""
        match self._sums.take_outcome():
            case SumEnded(mean, sites):
                group = self._groups.opened(mean, sites)
                if self.complete:
                    return BarrierDue()
                self._versions.advance(self._groups.moved(group, mean), in_use=frozenset())
                active = [m for m in self._roster if m.name in sites and m.standing is Standing.ACTIVE]
                return SteppedBySum(self._changed(barrier, sites, mean.loss, at_barrier=False), active)
            case SumRefused() as refusal:
                lost = self._groups.lost_with_sum
                again = self._groups.refused()
                failed, end = events.SumFailed(str(refusal)), self._sums.reason_to_end()
                return RefusedSum(failed, end, None if lost else again)
        return None

    def pass_barrier(self, barrier: int) -> tuple[events.ModelChanged, float]:
        """Make the model of a barrier from the newest sum of every group; return it and its mean loss."""
        model, loss, sites = self._groups.at_barrier()
        self._versions.pass_barrier(model)
        return self._changed(barrier, sites, loss, at_barrier=True), loss

    def _changed(
        self, barrier: int, sites: Sequence[str], loss: float, *, at_barrier: bool
    ) -> events.ModelChanged:
        new, summed = self._versions, events.MaskedSum(tuple(sites), loss)
        return events.ModelChanged(new.number, barrier, at_barrier, new.newest, {}, {}, summed)
