"""The arms of a comparison: the settings that each changes in a federation, and which sites train together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fedbragg.config import PrivacySettings
from fedbragg.errors import ConfigError
from fedbragg.federation.rules import RULES
from fedbragg.workflows.federate import Project, checked
from fedbragg.workflows.site_data import SiteData

LOCAL, POOLED = "local-only", "pooled"
"""Every site trains alone; all examples in one place. Neither is a federation; the better one bounds it."""
ALONE = {"aggregation": "fedavg", "schedule": "sync"}
"""How one participant trains: with the federation's epochs and as many restarts of the optimiser."""
UNSHARED = {
    "clip": 0.0,
    "compression": "full",
    "selection": "all",
    "cohort": 0,
    "local_batchnorm": False,
}
"""Settings that protect or compress updates, switched off where no update leaves a site."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train."""

    name: str  # as the user gave it: RULE, RULE:SCHEDULE, local-only, pooled
    aggregation: str
    schedule: str

    def project(self, base: Project, seed: int) -> Project:
        """Return the project with this arm's settings; raise ConfigError naming the arm where they do not fit."""
        changed = {
            "aggregation": self.aggregation,
            "schedule": self.schedule,
            "engine": "local",
            "workers": 1,
        }
        federation = base.settings.federation.model_copy(update=changed | (UNSHARED if self.alone else {}))
        privacy = PrivacySettings() if self.alone else base.settings.privacy
        update = {"federation": federation, "privacy": privacy, "seed": seed}
        settings = base.settings.model_copy(update=update)
        return checked(replace(base, settings=settings), f"arm {self.name}:")

    @property
    def alone(self) -> bool:
        """Return whether no model is exchanged: each site alone, or all examples in one place."""
        return self.name in (LOCAL, POOLED)

    def groups(self, base: Project, sites: Sequence[SiteData[Any]]) -> list[Group]:
        """Return the sites that train together, and those that test the model."""
        if self.name == LOCAL:
            return [Group([site], [site]) for site in sites]
        if self.name == POOLED:
            join = base.task.concatenate
            pool = SiteData(POOLED, join([s.train for s in sites]), join([s.held_out for s in sites]))
            return [Group([pool], sites)]
        return [Group(sites, sites)]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Sites that train one model together, and those on whose held-out examples it is tested."""

    train: Sequence[SiteData[Any]]
    test: Sequence[SiteData[Any]]


def arms_of(names: Sequence[str], project: Project) -> list[Arm]:
    """Return the arms of these names; raise ConfigError for one that is unknown, given twice, or does not fit."""
    arms = [_arm_of(name.strip(), project) for name in names if name.strip()]
    doubled = {arm.name for arm in arms if sum(arm.name == other.name for other in arms) > 1}
    if doubled:
        raise ConfigError(f"--arms names {sorted(doubled)[0]} twice; name each arm once.")
    if not arms:
        raise ConfigError("--arms names nothing; give rules, such as fedavg,fedkl, and local-only or pooled.")
    for arm in arms:
        arm.project(project, project.settings.seed)
    return arms


def _arm_of(name: str, project: Project) -> Arm:
    if name in (LOCAL, POOLED):
        return Arm(name, **ALONE)
    rule, _, schedule = name.partition(":")
    if rule not in RULES:
        known = ", ".join([*(r for r, row in RULES.items() if row.trains_network), LOCAL, POOLED])
        raise ConfigError(f"unknown arm {name!r}. Known arms: {known}; RULE:SCHEDULE sets the schedule.")
    given: str = project.settings.federation.schedule
    fits = given in RULES[rule].schedules
    return Arm(name, rule, schedule or (given if fits else "sync"))  # every rule works with sync


def start_digest(project: Project) -> str:
    """Return a short hash of all that the start model depends on except the seed."""
    text = json.dumps([project.task.name, dict(project.task.options)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def digest(arm: Arm, project: Project) -> str:
    """Return a hash of all settings of an arm, by which a finished result is recognised."""
    settings = project.settings.model_dump(mode="json", exclude={"server": True})
    text = json.dumps([arm.name, settings, dict(project.task.options)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
