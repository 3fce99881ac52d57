"""The masked sums of a federation, one at a time, as the coordinator drives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedbragg.errors import SumRefused
from fedbragg.federation import events
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Roster
from fedbragg.federation.secure.fixed_point import WeightedMean
from fedbragg.federation.secure.messages import Advert, SiteMessage
from fedbragg.federation.secure.server import Outgoing, ServerSum
from fedbragg.federation.secure.terms import Terms
from fedbragg.types import State


@dataclass(frozen=True, slots=True, eq=False)
class SumEnded:
    """A sum that was opened."""

    mean: WeightedMean
    sites: tuple[str, ...]


class MaskedSums:
    """Collect the sites' keys, run a sum over them, and say how it ended."""

    def __init__(self, plan: Plan, roster: Roster) -> None:
        self._plan, self._roster = plan, roster
        self._most = len(list(roster))  # sites in one sum; it sets the scale of the integers
        self._adverts: dict[str, Advert] = {}
        self._sum: ServerSum | None = None
        self._number = 0  # of the last sum; answers of earlier ones no longer count
        self._barrier = 0
        self._refused: list[
            str
        ] = []  # reasons of the sums that were refused since the last one that was opened

    @property
    def running(self) -> bool:
        """Return whether a sum is in progress."""
        return self._sum is not None

    def offer(self, advert: Advert) -> None:
        """Note that a site has trained and offers its update."""
        self._adverts[advert.site] = advert

    def clear(self) -> None:
        """Forget all offers, because a new round begins."""
        self._adverts.clear()

    def begin(self, sites: Sequence[str], model: State, barrier: int) -> list[events.Command]:
        """Begin the sum of the updates that these sites have made from ``model`` and offered."""
        self._number, self._barrier = self._number + 1, barrier
        adverts = [self._adverts.pop(site) for site in sites]
        self._sum = ServerSum(Terms.of(self._plan, self._most, model), adverts)
        return self._commands(self._sum.start())

    def answered(self, site: str, number: int, message: SiteMessage) -> list[events.Command]:
        """Take a site's answer; that of an earlier sum changes nothing."""
        if self._sum is None or number != self._number:
            return []
        return self._commands(self._sum.take(site, message))

    def without(self, sites: Sequence[str]) -> list[events.Command]:
        """Continue without the answers of sites that are gone; their offers no longer count."""
        for site in sites:
            self._adverts.pop(site, None)
        return self._commands(self._sum.drop(sites)) if self._sum else []

    def without_late(self) -> list[events.Command]:
        """Continue without the sites that have not answered in time."""
        late = sorted(self._sum.awaited) if self._sum else []
        reason = f"no answer within {self._plan.privacy.step_timeout:g} s of a step of the sum"
        self._fail(late)
        return [*(events.Abandon(site, reason) for site in late), *self.without(late)]

    def take_outcome(self) -> SumEnded | SumRefused | None:
        """Return how the sum has ended, once; None while it runs."""
        if self._sum is None or self._sum.outcome is None:
            return None
        ended, outcome, self._sum = self._sum, self._sum.outcome, None
        if isinstance(outcome, SumRefused):
            self._refused.append(str(outcome))
            self._fail(sorted(ended.refusals))
            return outcome
        self._refused.clear()
        for site in ended.survivors:
            self._roster[site].summed, self._roster[site].failures = True, 0
        return SumEnded(outcome, ended.survivors)

    def reason_to_end(self) -> str | None:
        """Return why the federation cannot continue after refused sums, None where it can."""
        patience = self._plan.settings.patience
        return (
            f"the sum was refused {patience} times: {self._refused[-1]}"
            if len(self._refused) >= patience
            else None
        )

    def _fail(self, sites: Sequence[str]) -> None:
        for site in sites:
            self._roster[site].failed(self._plan.settings.patience)

    def _commands(self, outgoing: Outgoing) -> list[events.Command]:
        if not outgoing:
            return []
        messages = [events.SendSumMessage(site, self._number, message) for site, message in outgoing.items()]
        return [*messages, events.SetDeadline(self._barrier, self._plan.privacy.step_timeout)]
