"""The event loop of the local and the virtual engine: a coordinator driven by a virtual clock.

A training's end is known before it starts: samples x epochs / speed, plus what the network adds. So
trainings run ahead on threads while their updates are delivered in the clock's order, and the same seed
gives the same numbers for any timing of the threads. A training that would end after the next barrier does not
start until the clock reaches it, because the barrier will probably supersede it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Protocol

import numpy as np

from fedbragg.errors import ModelRefused
from fedbragg.federation import events
from fedbragg.federation.coordinator import Coordinator
from fedbragg.federation.engines.recorder import Recorder
from fedbragg.federation.engines.simulated_sums import OfferedUpdate, SimulatedSums
from fedbragg.federation.engines.training_pool import Trained, Training, TrainingPool
from fedbragg.federation.plan import Plan
from fedbragg.federation.privacy import clip_update
from fedbragg.federation.progress import ProgressEvent, update_arrived
from fedbragg.federation.secure.messages import MaskedVector
from fedbragg.federation.trainer import Trainer
from fedbragg.federation.wire import decode, encode
from fedbragg.state_arithmetic import copy_state


class Network(Protocol):
    """The connections between the sites and the coordinator."""

    @property
    def counts_seconds(self) -> bool:
        """Return whether the clock counts seconds; if not, a deadline passes only when nothing else can happen."""
        ...

    def delivery(self, trainer: Trainer, command: events.SendModel) -> float:
        """Return the time from sending a model to receiving the update; it depends on the arguments alone.

        Infinity means that no update ever comes back.
        """
        ...

    def incidents(self) -> Iterable[tuple[float, events.Event]]:
        """Return the incidents at sites, with their times."""
        ...

    def transfer(self, site: str, received: int, sent: int) -> float:
        """Return how long a site takes to receive and to send this many bytes, on the engine's clock."""
        ...


@dataclass(slots=True, eq=False)
class ScheduledTraining:
    """A model sent to a site, and the training that will answer it."""

    site: str
    version: int
    due: float  # when its update arrives, on the clock
    training: Training


@dataclass(order=True, slots=True)
class _Entry:
    """An event or a training with the time at which it is due; at equal times sites keep their order."""

    time: float
    order: int
    count: int
    item: ScheduledTraining | events.Event = field(compare=False)


class VirtualClock:
    """Drive a coordinator until the federation has ended."""

    def __init__(
        self,
        coordinator: Coordinator,
        trainers: Sequence[Trainer],
        network: Network,
        pool: TrainingPool,
    ) -> None:
        self._coordinator = coordinator
        self._trainers: Mapping[str, Trainer] = {trainer.name: trainer for trainer in trainers}
        self._order = {trainer.name: position for position, trainer in enumerate(trainers)}
        self._network = network
        self._pool = pool
        plan = coordinator.plan
        self._sums = SimulatedSums(plan, list(self._trainers)) if plan.privacy.secure else None
        self._scheduled: dict[str, ScheduledTraining] = {}
        self._upcoming: list[_Entry] = []
        self._deadline: events.DeadlinePassed | None = None
        self._count = 0
        self._now = 0.0

    def run(self, recorder: Recorder, start: float = 0.0) -> None:
        """Run from ``start`` on the clock to the end of the federation."""
        self._now = start
        for time, incident in self._network.incidents():
            if time >= start:
                self._schedule(time, -1, incident)
        self._handle(events.Started(), recorder)
        for member in () if self._coordinator.finished else self._coordinator.roster.expected():
            self._handle(events.SiteJoined(member.name), recorder)
        while not self._coordinator.finished:
            self._run_ahead()
            self._handle(self._next(recorder), recorder)

    def _next(self, recorder: Recorder) -> events.Event:
        while self._upcoming:
            entry = heapq.heappop(self._upcoming)
            item = entry.item
            if isinstance(item, events.DeadlinePassed) and item is not self._deadline:
                continue  # a later deadline has replaced it
            if not isinstance(item, ScheduledTraining):
                self._now = entry.time
                return item
            if self._scheduled.get(item.site) is item:
                self._now = entry.time
                del self._scheduled[item.site]
                return self._arrival(item, recorder)
        if self._deadline is None:
            raise RuntimeError("the coordinator waits for nothing and has not finished")
        return self._deadline

    def _arrival(self, scheduled: ScheduledTraining, recorder: Recorder) -> events.Event:
        self._pool.finish(scheduled.training)
        try:
            trained = scheduled.training.result()
            if isinstance(trained, OfferedUpdate):
                return self._offer(trained)
            encoded, update = trained, decode(trained)
        except ModelRefused as refusal:
            return events.SiteRefused(scheduled.site, scheduled.version, str(refusal))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return events.SiteFailed(scheduled.site, f"{type(error).__name__}: {error}", scheduled.version)
        if (update.site, update.version) != (scheduled.site, scheduled.version):
            wrong = f"its update is signed {update.site!r}, version {update.version}"
            return events.SiteFailed(scheduled.site, wrong, scheduled.version)
        recorder.note(update_arrived(update, encoded.nbytes, self._now))
        return events.UpdateArrived(update)

    def _offer(self, offer: OfferedUpdate) -> events.Event:
        if self._sums is not None:
            self._sums.keep(offer)
        return events.SiteTrained(offer.site, offer.version, offer.part.advert)

    def _run_ahead(self) -> None:
        """Start the trainings that will end before the next barrier, the earliest first."""
        idle = [s for s in self._scheduled.values() if s.due < inf and not s.training.submitted]
        if not idle:
            return
        horizon = self._horizon()
        for scheduled in sorted(idle, key=lambda scheduled: (scheduled.due, self._order[scheduled.site])):
            if scheduled.due <= horizon:
                self._pool.submit(scheduled.training)

    def _horizon(self) -> float:
        waiting = [member.name for member in self._coordinator.roster.awaited()]
        return max(
            (self._scheduled[site].due if site in self._scheduled else inf for site in waiting), default=inf
        )

    def _handle(self, event: events.Event, recorder: Recorder) -> None:
        for progress in _progress_of(event, self._now):
            recorder.note(progress)
        if isinstance(event, events.SiteLeft):
            self._drop(event.site)
        for command in self._coordinator.handle(event, self._now):
            self._execute(command, recorder)

    def _execute(self, command: events.Command, recorder: Recorder) -> None:
        match command:
            case events.SendModel():
                self._send(command)
                recorder.note(_sent(command, self._now))
            case events.SendSumMessage():
                self._answer(command, recorder)
            case events.SumFailed(reason):
                recorder.note(ProgressEvent("refused", self._now, reason=reason))
            case events.SetDeadline(barrier, seconds):
                self._deadline = events.DeadlinePassed(barrier)
                if self._network.counts_seconds:
                    self._schedule(self._now + seconds, len(self._order), self._deadline)
            case events.Abandon(site, reason):
                self._drop(site)
                recorder.note(ProgressEvent("abandoned", self._now, site=site, reason=reason))
            case events.Reject(site, version, reason):
                recorder.note(ProgressEvent("rejected", self._now, site=site, version=version, reason=reason))
            case events.ModelChanged():
                recorder.changed(command, self._now)
            case events.ModelWithdrawn():
                recorder.withdrawn(command, self._now)
            case events.SaveCheckpoint():
                recorder.checkpoint(command, self._now)
            case events.Finish():
                for site in list(self._scheduled):
                    self._drop(site)
                recorder.finish(command, self._now)

    def _send(self, command: events.SendModel) -> None:
        self._drop(command.site)
        trainer = self._trainers[command.site]
        work = partial(_train, trainer, command, self._coordinator.plan, self._sums)
        due = self._now + self._network.delivery(trainer, command)
        scheduled = ScheduledTraining(command.site, command.version, due, Training(work))
        self._scheduled[command.site] = scheduled
        if due < inf:
            self._schedule(due, self._order[command.site], scheduled)

    def _answer(self, command: events.SendSumMessage, recorder: Recorder) -> None:
        if self._sums is None:
            return
        answered = self._sums.answered(command)
        if isinstance(answered.answer.message, MaskedVector):
            recorder.note(ProgressEvent("update", self._now, site=command.site, bytes=answered.sent))
        seconds = self._network.transfer(command.site, answered.received, answered.sent)
        self._schedule(self._now + seconds, self._order[command.site], answered.answer)

    def _drop(self, site: str) -> None:
        if scheduled := self._scheduled.pop(site, None):
            scheduled.training.cancelled = True

    def _schedule(self, time: float, order: int, item: ScheduledTraining | events.Event) -> None:
        self._count += 1
        heapq.heappush(self._upcoming, _Entry(time, order, self._count, item))


def _train(trainer: Trainer, command: events.SendModel, plan: Plan, sums: SimulatedSums | None) -> Trained:
    # Copies in both directions: a trainer may write into the model that it got and into the update that it
    # returned, without changing what the coordinator holds.
    update = trainer.train(copy_state(command.model), command.version, command.epochs)
    generator = generator_for(plan.seed, command.site, command.version)
    update = clip_update(update, plan.settings)
    return encode(update, plan.settings, generator) if sums is None else sums.offered(update, command.model)


def generator_for(seed: int, site: str, version: int) -> np.random.Generator:
    """Return the random numbers of one training; they depend on seed, site and version alone."""
    return np.random.default_rng([seed, int.from_bytes(site.encode()), version])


def _sent(command: events.SendModel, now: float) -> ProgressEvent:
    return ProgressEvent("sent", now, site=command.site, version=command.version, epochs=command.epochs)


def _progress_of(event: events.Event, now: float) -> Iterator[ProgressEvent]:
    match event:
        case events.SiteFailed(site, reason, _):
            yield ProgressEvent("failed", now, site=site, reason=reason)
        case events.SiteRefused(site, version, reason):
            yield ProgressEvent("vetoed", now, site=site, version=version, reason=reason)
        case events.SiteLeft(site, reason):
            yield ProgressEvent("left", now, site=site, reason=reason)
        case events.SiteJoined(site):
            yield ProgressEvent("joined", now, site=site)
