"""A coordinator, and a driver that passes events to it and keeps its commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from fedbragg.config import FederationSettings
from fedbragg.federation.coordinator import Coordinator
from fedbragg.federation.events import (
    Abandon,
    Command,
    DeadlinePassed,
    Event,
    ModelChanged,
    SendModel,
    SendSumMessage,
    SiteFailed,
    SiteJoined,
    SiteLeft,
    Started,
)
from fedbragg.federation.plan import Plan
from fedbragg.types import Update

START = {"w": np.zeros(2), "count": np.array(0, dtype=np.int64)}


def coordinator(sites: int = 3, **rules) -> Coordinator:
    rules = {"barriers": 1000, "patience": 3, "aggregation": "fedavg", **rules}
    plan = Plan(FederationSettings(**rules), warmup_epochs=15, epochs=5, seed=1)
    return Coordinator(plan, [f"s{number}" for number in range(sites)], START)


def update(command: SendModel, value: float = 1.0, samples: int = 10, loss: float = 1.0) -> Update:
    tensors = {"w": np.full(2, value), "count": np.array(2, dtype=np.int64)}
    return Update(command.site, command.version, tensors, samples, ((samples // 2, samples // 2),), loss)


class MaskedSites(Protocol):
    """A coordinator whose sums are masked, with what its sites have been sent."""

    coordinator: Coordinator
    models: dict[str, SendModel]
    steps: dict[str, SendSumMessage]

    def handle(self, event: Event) -> list[Command]: ...


def disturb(driver: MaskedSites, action: str, site: str) -> None:
    """Have a site fail, leave or join, or the deadline pass; other actions do nothing."""
    match action:
        case "fail":
            if driver.models.pop(site, None):
                driver.handle(SiteFailed(site, "out of memory"))
        case "leave":
            driver.models.pop(site, None), driver.steps.pop(site, None)
            driver.handle(SiteLeft(site, "power cut"))
        case "join":
            driver.steps.pop(site, None)
            driver.handle(SiteJoined(site))
        case "deadline":
            driver.handle(DeadlinePassed(driver.coordinator.barriers.passed))


def of_kind(commands: list[Command], kind: type) -> list:
    return [command for command in commands if isinstance(command, kind)]


@dataclass
class Driver:
    """Passes events to a coordinator and keeps its commands."""

    coordinator: Coordinator
    sent: dict[str, SendModel] = field(default_factory=dict)  # what each site is training on
    everything: list[SendModel] = field(default_factory=list)
    newest: ModelChanged | None = None
    now: float = 0.0  # seconds; each event takes one

    def handle(self, event: Event) -> list[Command]:
        self.now += 1.0
        commands = self.coordinator.handle(event, self.now)
        for command in commands:
            match command:
                case SendModel(site):
                    self.sent[site] = command
                    self.everything.append(command)
                case Abandon(site):
                    self.sent.pop(site, None)
                case ModelChanged():
                    self.newest = command
        return commands

    def start(self) -> Driver:
        self.handle(Started())
        for member in list(self.coordinator.roster):
            self.handle(SiteJoined(member.name))
        return self
