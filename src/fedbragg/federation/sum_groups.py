"""Choose which sites are summed together under masks, and apply their sums to the model.

Every update is in one sum, and a sum has updates made from one model: two sums can then not be subtracted, and a server
that sends some sites another model gains nothing. With the schedule "sync" all sites make one sum. With "hybrid" the
first ``buffer`` sites to finish make a group, whose sum moves the model while the others still train. The group trains
on from there, and its later sums have its sites alone (tiers, as in FedAT: Chai et al., SC 2021). At the barrier the
newest sum of every group counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Member, Roster, Standing
from fedbragg.federation.secure.fixed_point import AmountMean, WeightedMean
from fedbragg.federation.secure.requirements import fewest_in_sum
from fedbragg.federation.staleness import damping
from fedbragg.federation.versions import Versions, rebased
from fedbragg.state_arithmetic import apply_steps
from fedbragg.types import State


@dataclass(slots=True, eq=False)
class SumGroup:
    """Sites that are summed together, and their newest sum since the barrier."""

    sites: tuple[str, ...]  # that may be summed again
    start: State  # the model that they train from
    changes: int  # of the model, when it was sent to them
    newest: WeightedMean | None = None  # steps from the barrier's model
    counted: tuple[str, ...] = ()  # the sites in it


class SumGroups:
    """The groups of one round."""

    def __init__(self, plan: Plan, roster: Roster, versions: Versions) -> None:
        self._plan, self._roster, self._versions = plan, roster, versions
        self._fewest = fewest_in_sum(plan.privacy)
        self.begin()

    def begin(self) -> None:
        """Begin a round: all train from the barrier's model."""
        self._offers: set[str] = set()  # sites whose update waits for its sum
        self._groups: list[SumGroup] = []
        self._summing: SumGroup | None = None
        self._bound: list[tuple[str, ...]] = []  # lists that sites have signed for the barrier's model before
        self._changes = self._versions.changes  # of the model, up to the barrier
        self.version = self._versions.number  # of the barrier's model

    @property
    def stepped(self) -> bool:
        """Return whether a sum has been opened since the barrier."""
        return bool(self._groups)

    @property
    def lost_with_sum(self) -> bool:
        """Return whether the whole round must begin again where the sum that was begun last fails."""
        return self._plan.settings.schedule == "sync" or not (self.stepped or self._roster.awaited())

    @property
    def complete(self) -> bool:
        """Return whether the barrier can pass: a sum was opened, and no other sites are enough for one more."""
        if not self.stepped or self._plan.settings.schedule == "sync":
            return self.stepped
        left = {*self._ungrouped(), *(member.name for member in self._roster.awaited())}
        return len(left - self._bound_sites) < self._fewest and not any(left >= set(b) for b in self._bound)

    def offer(self, site: str, bound: tuple[str, ...]) -> None:
        """Note that a site has trained and offers its update, only to a sum of ``bound`` if there are any.

        A site signs one list for a model. After a restart of the server, or on a model that was withdrawn, the same
        sites must form the sum again.
        """
        self._offers.add(site)
        if bound and bound not in self._bound and site in self._ungrouped():
            self._bound.append(bound)

    def without(self, site: str) -> None:
        """Expect no offer of a site any more, and do not count the one that waits."""
        self._offers.discard(site)
        for group in self._groups:
            group.sites = tuple(name for name in group.sites if name != site)

    def may_begin(self, site: str) -> bool:
        """Return whether a site that joins may train from the barrier's model; twice would put it in two sums."""
        summing = self._summing.sites if self._summing else ()
        return site not in summing and all(site not in group.counted for group in self._groups)

    def next_sum(self) -> SumGroup | None:
        """Return the group whose sum can begin, None where all must wait; ``opened`` then refers to it."""
        group = self._new_group()
        if group is None and self._roster.awaited():
            group = next((group for group in self._groups if self._is_ready(group)), None)
        if group is not None:
            self._offers -= set(group.sites)
        self._summing = group
        return group

    def _new_group(self) -> SumGroup | None:
        """Return the sites in no group that have trained; those left over must be enough for a sum as well."""
        offered, awaited = self._ungrouped(), {member.name for member in self._roster.awaited()}
        hybrid = self._plan.settings.schedule == "hybrid"
        if awaited and not hybrid:
            return None
        bound = next((sites for sites in self._bound if set(offered) >= set(sites)), None)
        free = tuple(site for site in offered if site not in self._bound_sites)
        left = len(awaited - self._bound_sites)
        if bound is not None:
            return self._group(bound)
        if len(free) >= (self._plan.settings.buffer if left and hybrid else self._fewest):
            return self._group(free) if not 0 < left < self._fewest else None
        hopeless = not awaited and not self.stepped and len(offered) >= self._fewest
        return self._group(offered) if hopeless else None  # the sites refuse, and say which are missing

    def _group(self, sites: tuple[str, ...]) -> SumGroup:
        return SumGroup(sites, self._versions.barrier_model, self._changes)

    @property
    def _bound_sites(self) -> set[str]:
        return {site for sites in self._bound for site in sites}

    def _ungrouped(self) -> tuple[str, ...]:
        grouped = {site for group in self._groups for site in group.sites}
        return tuple(m.name for m in self._roster if m.name in self._offers - grouped)

    def _is_ready(self, group: SumGroup) -> bool:
        """Return whether none of a group trains any more and enough of it can be summed; then it is these alone."""
        if any(self._roster[site].training is not None for site in group.sites):
            return False
        group.sites = tuple(site for site in group.sites if site in self._offers)
        return len(group.sites) >= self._fewest

    def opened(self, mean: WeightedMean, sites: Sequence[str]) -> SumGroup:
        """Take the sum that was begun last, over the sites that were left in it; return their group."""
        group = self._taken()
        self._bound = [bound for bound in self._bound if set(bound) != set(group.sites)]
        parts = (
            AmountMean(rebased(part.step, group.start, self._versions.barrier_model), part.loss, part.total)
            for part in mean.parts
        )
        group.newest, group.counted, group.sites = WeightedMean(tuple(parts)), tuple(sites), tuple(sites)
        if group not in self._groups:
            self._groups.append(group)
        return group

    def refused(self) -> list[Member]:
        """Take the sum that was begun last as failed, and return the sites that train once more from the same model.

        A site that is in an opened sum rests until the barrier.
        """
        group = self._taken()
        active = [m for m in self._roster if m.name in group.sites and m.standing is Standing.ACTIVE]
        group.sites, again = (), [member for member in active if self.may_begin(member.name)]
        for member in active:
            if member in again:
                member.latest = None
            else:
                member.standing = Standing.RESTING
        return again

    def _taken(self) -> SumGroup:
        if self._summing is None:
            raise ValueError("no sum has begun")
        group, self._summing = self._summing, None
        return group

    # Apply the sums to the model

    def moved(self, group: SumGroup, mean: WeightedMean) -> State:
        """Return the newest model after a group's sum: a step by its mean, damped by its age (FedBuff).

        The group trains on it next.
        """
        settings = self._plan.settings
        weight = min(1.0, settings.arrival_rate) * damping(self._versions.changes - group.changes, settings)
        group.start = apply_steps(self._versions.newest, [mean.step], [weight])
        group.changes = self._versions.changes + 1
        return group.start

    def at_barrier(self) -> tuple[State, float, tuple[str, ...]]:
        """Return the barrier's new model, the mean loss, and the sites whose updates count.

        A group counts by its total of each amount, so the model is sum(a g) / sum(a) over all sites, for each amount a.
        """
        means = [group.newest for group in self._groups if group.newest is not None]
        amounts = list(zip(*(mean.parts for mean in means), strict=True))
        counted = [(parts, total) for parts in amounts if (total := sum(part.total for part in parts))]
        shares = [(part, part.total / total / len(counted)) for parts, total in counted for part in parts]
        used = [(part, share) for part, share in shares if share]
        steps, weights = [part.step for part, _ in used], [share for _, share in used]
        model = apply_steps(self._versions.barrier_model, steps, weights)
        loss = sum(part.loss * share for part, share in used)
        return model, loss, tuple(site for group in self._groups for site in group.counted)
