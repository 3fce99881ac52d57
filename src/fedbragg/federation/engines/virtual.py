"""The virtual engine: sites with chosen speeds, links and outages, on a clock that costs nothing to wait for.

The event loop, the coordinator and, if wanted, the training are those of the local engine; only the
conditions differ. Trainings may also be replaced by a recorded loss curve, for hundreds of sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from fedbragg.config import FederationSettings
from fedbragg.federation.engines.virtual_clock import Trip, generator_for
from fedbragg.federation.events import Event, SendModel, SiteJoined, SiteLeft
from fedbragg.federation.trainer import Trainer
from fedbragg.state_arithmetic import size
from fedbragg.types import State, Update

WORK = "work"
"""The only tensor of a recorded model: samples trained on, as far as they bore fruit."""


@dataclass(frozen=True, slots=True)
class Link:
    """How a site is reached, and when it is not."""

    bandwidth: float = inf  # bytes a second, either way
    latency: float = 0.0  # seconds, one way
    loss: float = 0.0  # probability that an errand comes to nothing, without anybody being told
    outages: tuple[tuple[float, float], ...] = ()  # (from, to) seconds on the clock; work under way is lost


@dataclass(frozen=True, slots=True)
class World:
    """Conditions with links; a trainer's speed is in samples a second. A site without a link has a perfect one."""

    links: Mapping[str, Link]
    rules: FederationSettings
    seed: int
    keeps_deadlines: bool = True

    def trip(self, trainer: Trainer, command: SendModel) -> Trip:
        """Return how long the model, the training and the update take, and whether all of it comes through."""
        link = self.links.get(trainer.name, Link())
        sent = size(command.model)
        travel = 2 * link.latency + (sent + sent * self._thinning()) / link.bandwidth
        work = trainer.samples * command.epochs / trainer.speed
        # A seed of its own, so that losses do not depend on what quantisation draws.
        luck = generator_for(self.seed + 1, trainer.name, command.version).random()
        return Trip(travel + work, lost=bool(luck < link.loss))

    def incidents(self) -> Iterable[tuple[float, Event]]:
        """Return the outages."""
        for site, link in self.links.items():
            for start, end in link.outages:
                yield start, SiteLeft(site, "an outage")
                yield end, SiteJoined(site)

    def _thinning(self) -> float:
        """Return an update's bytes over the model's, for float32 models."""
        if self.rules.travel == "half":
            return 0.5
        quantised = self.rules.travel == "quantised" or self.rules.aggregation == "fedpaq"
        return self.rules.travel_bits / 32 if quantised else 1.0


@dataclass(frozen=True, slots=True)
class RecordedSite:
    """A site that does not train but follows a recorded loss curve.

    ``curve`` is a table of (samples trained on, loss) from a real run of one model on all data. Training
    adds the site's samples to the model's work; averaging and damping then act on work as on any tensor.
    So it tells how schedules use the sites' time, not what skewed data do to a model.
    """

    name: str
    samples: int
    speed: float
    curve: tuple[tuple[float, float], ...]
    label_counts: tuple[tuple[int, ...], ...] = ()

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Return the work done, and the loss that the curve has after it."""
        work = np.array(float(self.samples * epochs))
        loss = recorded_loss(self.curve, float(model[WORK] + work))
        return Update(self.name, version, {WORK: work}, self.samples, self.label_counts, loss)


def recorded_loss(curve: Sequence[tuple[float, float]], work: float) -> float:
    """Read a loss off a recorded curve; before its start and after its end it is constant."""
    samples, losses = zip(*curve, strict=True)
    return float(np.interp(work, samples, losses))
