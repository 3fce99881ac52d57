"""FedCompass (Li et al., ICLR 2024, arXiv 2309.14675): sites get as many epochs as let a group of them arrive together.

The server knows each site's seconds an epoch. A free site joins the group of arrivals that leaves it the most epochs
between two limits; if none fits, it opens a group that ends after the last one. A group is combined when all of it is
there. Speeds do not change here, so nobody is late, and what the paper does with late sites is left out.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor

import numpy as np

from fedbragg.federation.trainer import Trainer
from fedbragg.types import State, Update

LATE = 1.2
"""A group's latest arrival over its expected one, in seconds from its start (lambda in the paper)."""
EXPONENT = 0.5
"""Of the damping (1 + age)^-EXPONENT of an update."""


@dataclass
class Group:
    """Sites whose updates are expected at the same time."""

    expected: float  # seconds
    latest: float  # seconds
    waiting: list[str] = field(default_factory=list)  # for their updates
    arrived: list[str] = field(default_factory=list)

    @property
    def sites(self) -> list[str]:
        """Return all its sites."""
        return [*self.waiting, *self.arrived]


@dataclass(frozen=True)
class Work:
    """A training that is under way."""

    group: Group | None  # None for the first one, which is combined alone
    model: State
    version: int
    epochs: int


class Compass:
    """The server: its model, its groups, and what each site works on."""

    def __init__(
        self,
        trainers: Sequence[Trainer],
        weights: Mapping[str, float],
        model: State,
        epochs: tuple[int, int],
        warmup: int,
    ) -> None:
        self.trainers = {trainer.name: trainer for trainer in trainers}
        self.seconds = {t.name: t.samples / t.speed for t in trainers}  # an epoch
        self.weights, self.fewest, self.most = weights, *epochs
        self.model, self.version = dict(model), 0
        self.groups: list[Group] = []
        self.updates: dict[str, tuple[Update, int]] = {}
        self.work: dict[str, Work] = {}
        self.due: list[tuple[float, str]] = []
        for trainer in trainers:
            self._send(trainer.name, 0.0, None, warmup)

    def run(self, horizon: float, evaluate: Callable[[State], float]) -> np.ndarray:
        """Return (points, 2): seconds and what ``evaluate`` says of each new model, up to ``horizon``."""
        points = [(0.0, evaluate(self.model))]
        while self.due and self.due[0][0] <= horizon:
            now, site = heapq.heappop(self.due)
            if self._arrive(site, now):
                points.append((now, evaluate(self.model)))
        return np.array(points)

    def _arrive(self, site: str, now: float) -> bool:
        """Take a site's update; return whether the model has changed."""
        work = self.work.pop(site)
        update = self.trainers[site].train(work.model, work.version, work.epochs)
        self.updates[site] = (update, work.version)
        if work.group is None:
            self._combine([site])
            self._assign(site, now)
            return True
        work.group.waiting.remove(site)
        work.group.arrived.append(site)
        if work.group.waiting:
            return False
        self.groups.remove(work.group)
        self._combine(work.group.arrived)
        for free in sorted(work.group.arrived, key=self.seconds.__getitem__):
            self._assign(free, now)
        return True

    def _combine(self, sites: Sequence[str]) -> None:
        """Move the model by the sites' steps, each with its site's weight, damped by its age."""
        for site in sites:
            update, version = self.updates.pop(site)
            share = self.weights[site] * (1 + self.version - version) ** -EXPONENT
            self.model = {name: tensor + share * update.tensors[name] for name, tensor in self.model.items()}
        self.version += 1

    def _assign(self, site: str, now: float) -> None:
        """Give a free site epochs and a group."""
        fits = [(floor((g.expected - now) / self.seconds[site] + 1e-9), i) for i, g in enumerate(self.groups)]
        fits = [(epochs, i) for epochs, i in fits if self.fewest <= epochs <= self.most]
        if fits:
            epochs, i = max(fits)
            self._send(site, now, self.groups[i], epochs)
            return
        epochs = self._epochs_of_a_new_group(site, now)
        span = epochs * self.seconds[site]
        self.groups.append(Group(now + span, now + LATE * span))
        self._send(site, now, self.groups[-1], epochs)

    def _epochs_of_a_new_group(self, site: str, now: float) -> int:
        """Return how many epochs let a site arrive with the fastest of another group after its next training."""
        meetings = [
            g.latest + self.most * min(self.seconds[other] for other in g.sites)
            for g in self.groups
            if now < g.latest
        ]
        possible = [floor((meeting - now) / self.seconds[site] + 1e-9) for meeting in meetings]
        possible = [epochs for epochs in possible if epochs <= self.most]
        return max(max(possible), self.fewest) if possible else self.most

    def _send(self, site: str, now: float, group: Group | None, epochs: int) -> None:
        if group is not None:
            group.waiting.append(site)
        self.work[site] = Work(group, self.model, self.version, epochs)
        heapq.heappush(self.due, (now + epochs * self.seconds[site], site))
