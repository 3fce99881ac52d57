"""The sites of one barrier: draw them, weigh them, find the outliers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fedbragg.errors import UpdateRejected
from fedbragg.federation.events import Reject
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Member, Roster, Standing
from fedbragg.federation.rules.apply import report_weights, site_weights
from fedbragg.federation.rules.weights import Profile
from fedbragg.federation.select import chances, draw, sampling_weights
from fedbragg.federation.validate import check, check_norm, check_terms
from fedbragg.federation.versions import Versions
from fedbragg.state_arithmetic import apply_steps, norm
from fedbragg.styles import check_style
from fedbragg.types import State, Update


def draw_cohort(roster: Roster, plan: Plan, barrier: int) -> None:
    """Mark who trains for the next barrier; a site whose data are not known yet always does.

    The draw depends on seed and barrier alone, so that a federation resumed from a checkpoint draws the
    same sites.
    """
    for member in roster:
        member.chosen, member.chance = True, 1.0
    known = [member for member in roster if member.profile and member.standing is not Standing.GONE]
    if plan.settings.selection == "all" or not plan.settings.cohort or not known:
        return
    proportions = sampling_weights([profile_of(member) for member in known], plan.settings)
    odds = chances(proportions, plan.settings.cohort)
    drawn = draw(odds, np.random.default_rng([plan.seed, barrier]))
    for member, chosen, chance in zip(known, drawn, odds, strict=True):
        member.chosen, member.chance = bool(chosen), float(chance)


def weights_at_barrier(roster: Roster, reported: Sequence[Member], plan: Plan, start: State) -> list[float]:
    """Return the weight of each report: its site's share, over the probability that the site was drawn.

    The shares are among all sites that could have been drawn and sum to one. The weights sum to one where
    every site was drawn. ``start`` is the model of the last barrier.
    """
    undrawn = [m for m in roster if not m.chosen and m.profile and m.standing is Standing.ACTIVE]
    if not undrawn:
        profiles = [profile_of(member) for member in reported]
        return [float(w) for w in report_weights(start, steps_of(reported), profiles, plan.settings)]
    shares = _shares([*reported, *undrawn], plan)
    return [shares[member.name] / member.chance for member in reported]


def site_share(roster: Roster, member: Member, plan: Plan) -> float:
    """Return a site's share among all sites; those that have not reported yet count as average ones."""
    known = [other for other in roster if other.profile]
    unknown = [other for other in roster if not other.profile and other.standing is not Standing.GONE]
    return _shares(known, plan)[member.name] * len(known) / (len(known) + len(unknown))


def arrival_weight(roster: Roster, member: Member, plan: Plan) -> float:
    """Return an update's weight on arrival, before damping: its site's share over the mean share.

    At most one, so that a step never goes beyond the site's own model.
    """
    if plan.rule.on_arrival == "mix":
        return plan.settings.mixing
    known = [other for other in roster if other.profile]
    over_mean = _shares(known, plan)[member.name] * len(known) / member.chance
    return float(min(1.0, plan.settings.arrival_rate * over_mean))


def outliers(members: Sequence[Member], plan: Plan) -> dict[str, str]:
    """Return the sites whose updates are much longer than the others', with the reason.

    All reports of a barrier are compared again, because the first to arrive had nothing to be compared with.
    """
    found = {}
    for member in members:
        others = [o.length for o in members if o is not member and plan.comparable(o.name, member.name)]
        try:
            check_norm(member.length, others, plan.settings.norm_factor)
        except UpdateRejected as refusal:
            found[member.name] = str(refusal)
    return found


def without_outliers(
    members: Sequence[Member], plan: Plan, version: int
) -> tuple[list[Member], list[Reject]]:
    """Return the sites whose updates are not outliers; those of the others are rejected, and count as failures."""
    reasons = outliers(members, plan)
    for member in members:
        if member.name in reasons:
            member.failed(plan.settings.patience)
    kept = [member for member in members if member.name not in reasons]
    return kept, [Reject(site, version, reason) for site, reason in reasons.items()]


def checked_length(roster: Roster, plan: Plan, versions: Versions, update: Update) -> float:
    """Return an update's norm; raise UpdateRejected where the update must not count."""
    if plan.privacy.secure:
        raise UpdateRejected("updates are summed under masks, and no single one is taken")
    known = next((member.profile for member in roster if member.profile is not None), None)
    check(update, plan.wanted(update.site, versions.model(update.version)), known)
    check_style(update.style)
    check_terms(update, versions.model(update.version), plan.rule)
    others = [
        other.length
        for other in roster
        if other.name != update.site and other.profile and plan.comparable(other.name, update.site)
    ]
    length = norm(update.tensors)
    check_norm(length, others, plan.settings.norm_factor)
    return length


def enough_reports(roster: Roster, plan: Plan) -> bool:
    """Return whether as many sites have reported as a barrier needs."""
    return len(roster.reported()) >= plan.fewest_reports


def mean_loss(members: Sequence[Member], weights: Sequence[float]) -> float:
    """Return the mean of the sites' losses."""
    return sum(w * m.loss for w, m in zip(weights, members, strict=True)) / (sum(weights) or 1.0)


def steps_of(members: Sequence[Member]) -> list[State]:
    """Return the newest step of each site that has reported: its model minus the last barrier's."""
    return [member.latest for member in members if member.latest is not None]


def models_of(members: Sequence[Member], plan: Plan, start: State) -> dict[str, State]:
    """Return each site's own model at a barrier: ``start`` with its newest step."""
    return {
        member.name: plan.part(member.name, apply_steps(start, [member.latest], [1.0]))
        for member in members
        if member.latest is not None
    }


def profile_of(member: Member) -> Profile:
    """Return a site's report about its data; raise ValueError if there is none yet."""
    if member.profile is None:
        raise ValueError(f"{member.name} has not reported yet")
    return member.profile


def _shares(members: Sequence[Member], plan: Plan) -> Mapping[str, float]:
    shares = site_weights([profile_of(member) for member in members], plan.settings)
    return {member.name: float(share) for member, share in zip(members, shares, strict=True)}
