"""A rule's memory of each site between barriers, and its use (rules/drift.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.corrections import with_correction
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Member, Roster
from fedbragg.federation.rules.drift import Report
from fedbragg.state_arithmetic import apply_steps
from fedbragg.types import State


class SiteMemory:
    """The tensors remembered of each site; none for most rules."""

    def __init__(self, plan: Plan, roster: Roster, tensors: State) -> None:
        """Start with the ``tensors`` of a checkpoint, named SITE:TENSOR; empty at first."""
        self._drift, self._settings, self._roster = plan.rule.drift, plan.settings, roster
        self._sites: dict[str, State] = {}
        for name, tensor in tensors.items():
            site, _, own = name.partition(":")
            self._sites[site] = {**self._sites.get(site, {}), own: tensor}
        self._mean = self._mean_of_sites()
        self._before = self._sites  # at the barrier before the last

    @property
    def tensors(self) -> State:
        """Return all tensors, for a checkpoint."""
        return {f"{site}:{name}": t for site, tensors in self._sites.items() for name, t in tensors.items()}

    def beside(self, site: str, model: State) -> State:
        """Return a model together with the correction that the site must add to its gradient."""
        if self._drift is None or not self._sites:
            return model
        return with_correction(model, self._drift.correction(self._sites.get(site, {}), self._mean))

    def after_barrier(self, model: State, members: Sequence[Member]) -> State:
        """Remember what the sites that counted have sent, and return the model moved by the rule."""
        if self._drift is None:
            return model
        self._before = dict(self._sites)
        for member in members:
            report = Report(member.latest or {}, member.gradient)
            before = self._sites.get(member.name, {})
            self._sites[member.name] = self._drift.remember(before, report, self._settings)
        self._mean = self._mean_of_sites()
        return apply_steps(model, [self._drift.move(self._mean, self._settings)], [1.0])

    def go_back(self) -> None:
        """Forget what the sites sent for the last barrier, whose model is withdrawn."""
        self._sites = self._before
        self._mean = self._mean_of_sites()

    def _mean_of_sites(self) -> Mapping[str, NDArray[Any]]:
        """Return the mean over all sites of the federation; one that was never heard counts as zero."""
        names = {name: tensor for tensors in self._sites.values() for name, tensor in tensors.items()}
        count = max(len(list(self._roster)), 1)
        return {
            name: np.sum([held[name] for held in self._sites.values() if name in held], axis=0)
            / tensor.dtype.type(count)
            for name, tensor in names.items()
        }
