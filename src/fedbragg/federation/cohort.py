"""The sites of one barrier: drawing them, weighing them, and finding the odd one out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fedbragg.errors import UpdateRejected
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Member, Roster, Standing
from fedbragg.federation.rules.combine import share_out
from fedbragg.federation.rules.weights import Profile, weigh
from fedbragg.federation.select import chances, draw, liking
from fedbragg.federation.validate import check_norm
from fedbragg.types import State


def draw_cohort(roster: Roster, plan: Plan, barrier: int) -> None:
    """Mark who trains for the next barrier; a site whose data are not known yet always does.

    The draw depends on seed and barrier alone, so that a federation that goes on from a checkpoint draws
    the same sites again.
    """
    for member in roster:
        member.chosen, member.chance = True, 1.0
    known = [member for member in roster if member.profile and member.standing is not Standing.GONE]
    if plan.rules.selection == "all" or not plan.rules.cohort or not known:
        return
    proportions = liking([profile_of(member) for member in known], plan.rules.selection)
    odds = chances(proportions, plan.rules.cohort)
    drawn = draw(odds, np.random.default_rng([plan.seed, barrier]))
    for member, chosen, chance in zip(known, drawn, odds, strict=True):
        member.chosen, member.chance = bool(chosen), float(chance)


def weights_at_barrier(roster: Roster, reported: Sequence[Member], plan: Plan) -> list[float]:
    """Return the weight of each report: the rule's share, over the chance that its site was drawn.

    The shares are among all sites that could have been drawn, and sum to one; so do the weights where
    everybody was.
    """
    undrawn = [m for m in roster if not m.chosen and m.profile and m.standing is Standing.ACTIVE]
    if not undrawn:
        return [
            float(w) for w in share_out(steps_of(reported), [profile_of(m) for m in reported], plan.rules)
        ]
    shares = _shares([*reported, *undrawn], plan)
    return [shares[member.name] / member.chance for member in reported]


def arrival_weight(roster: Roster, member: Member, plan: Plan) -> float:
    """Return how much an update counts on arrival, before damping: its site's share over an average one.

    At most one, so that a step never goes beyond what the site itself found.
    """
    if plan.rules.aggregation == "fedasync":
        return plan.rules.mixing
    heard = [other for other in roster if other.profile]
    over_average = _shares(heard, plan)[member.name] * len(heard) / member.chance
    return float(min(1.0, plan.rules.arrival_rate * over_average))


def outliers(members: Sequence[Member], plan: Plan) -> dict[str, str]:
    """Return the sites whose updates are too long beside the others', with the reason.

    At a barrier all reports are judged by one another: the first to arrive had nothing to be compared with.
    """
    found = {}
    for member in members:
        others = [o.length for o in members if o is not member and plan.comparable(o.name, member.name)]
        try:
            check_norm(member.length, others, plan.rules.norm_factor)
        except UpdateRejected as refusal:
            found[member.name] = str(refusal)
    return found


def steps_of(members: Sequence[Member]) -> list[State]:
    """Return the newest work of sites that have reported, as differences to the last barrier's model."""
    return [member.latest for member in members if member.latest is not None]


def profile_of(member: Member) -> Profile:
    """Return what a site that has reported told of its data."""
    if member.profile is None:
        raise ValueError(f"{member.name} has not reported yet")
    return member.profile


def _shares(members: Sequence[Member], plan: Plan) -> Mapping[str, float]:
    shares = weigh([profile_of(member) for member in members], plan.rules)
    return {member.name: float(share) for member, share in zip(members, shares, strict=True)}
