"""The virtual engine: sites with chosen speeds, links and outages, on a clock that advances without waiting.

The event loop, the coordinator and usually the training are those of the local engine; only the network
differs. A recorded loss curve can replace the trainings, to simulate hundreds of sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from fedbragg.config import FederationSettings, ServerSettings
from fedbragg.federation.engines.virtual_clock import generator_for
from fedbragg.federation.events import Event, SendModel, SiteJoined, SiteLeft
from fedbragg.federation.rules.apply import compression_of
from fedbragg.federation.trainer import Trainer
from fedbragg.state_arithmetic import size
from fedbragg.types import State, Update

RESENT = ServerSettings().message_timeout + ServerSettings().heartbeat
"""Seconds after which a real site with the default settings sends again what was not answered (remote/client.py)."""
WORK = "work"
"""The only tensor of a recorded model: the effective number of samples trained on."""


@dataclass(frozen=True, slots=True)
class SimulatedLink:
    """A site's connection, and when it is interrupted."""

    bandwidth: float = inf  # bytes a second, in each direction
    latency: float = 0.0  # seconds, one way
    loss: float = 0.0  # probability that a model, or the update in return, is lost and must be sent again
    outages: tuple[tuple[float, float], ...] = ()  # (from, to) seconds on the clock; running work is lost


@dataclass(frozen=True, slots=True)
class SimulatedNetwork:
    """A network with links; a trainer's speed is in samples a second. A site without a link has a perfect one."""

    links: Mapping[str, SimulatedLink]
    settings: FederationSettings
    seed: int
    secure: bool = False  # whether updates are sent in masked sums, [privacy] secure
    resent: float = RESENT  # seconds after which a lost message is sent again, which may be lost too
    counts_seconds: bool = True

    def delivery(self, trainer: Trainer, command: SendModel) -> float:
        """Return how long the model, the training and the update take, including lost messages."""
        link = self.links.get(trainer.name, SimulatedLink())
        sent = size(command.model)
        returned = 0.0 if self.secure else sent * self._compression_ratio()  # a masked sum sends it later
        transfer = 2 * link.latency + (sent + returned) / link.bandwidth
        work = trainer.samples * command.epochs / trainer.speed
        return transfer + work + self._waiting(link.loss, trainer.name, command.version)

    def incidents(self) -> Iterable[tuple[float, Event]]:
        """Return the outages."""
        for site, link in self.links.items():
            for start, end in link.outages:
                yield start, SiteLeft(site, "an outage")
                yield end, SiteJoined(site)

    def transfer(self, site: str, received: int, sent: int) -> float:
        """Return the seconds in which a site receives and sends this many bytes of a masked sum."""
        link = self.links.get(site, SimulatedLink())
        return 2 * link.latency + (received + sent) / link.bandwidth

    def _waiting(self, loss: float, site: str, version: int) -> float:
        """Return the seconds until a message that is lost with this probability, each time, has been sent once more."""
        if loss >= 1:
            return inf
        # A seed of its own, so that losses do not depend on the draws of quantisation.
        sent = generator_for(self.seed + 1, site, version).geometric(1 - loss)
        return float(sent - 1) * self.resent

    def _compression_ratio(self) -> float:
        """Return an update's bytes over the model's, for float32 models."""
        ratios = {"full": 1.0, "half": 0.5, "quantised": self.settings.compression_bits / 32}
        return ratios[compression_of(self.settings)]


@dataclass(frozen=True, slots=True)
class RecordedSite:
    """A site that follows a recorded loss curve instead of training.

    ``curve`` is a table of (samples trained on, loss) from a real run of one model on all data. A training
    adds the site's samples to the model's work; averaging and damping act on the work as on any tensor. This
    shows how schedules use the sites' time, not what skewed data do to a model.
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
    """Return the curve's loss after ``work`` samples, interpolated; it is constant beyond both ends."""
    samples, losses = zip(*curve, strict=True)
    return float(np.interp(work, samples, losses))
