"""The event loop that the local and the virtual engine share: a coordinator driven along a virtual clock.

A training's end is known before it starts: samples x epochs / speed, and what the conditions add. So
trainings run ahead on threads while their updates are delivered in the clock's order, and the same seed
gives the same numbers whatever the threads do. A training that would end after the next barrier is left
alone until the clock reaches it: it will most likely be superseded.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Protocol

import numpy as np

from fedbragg.federation import events
from fedbragg.federation.coordinator import Coordinator
from fedbragg.federation.engines.training_pool import Training, Workshop
from fedbragg.federation.plan import Plan
from fedbragg.federation.privacy import shielded
from fedbragg.federation.progress import Progress
from fedbragg.federation.trainer import Trainer
from fedbragg.federation.wire import Parcel, opened, sealed
from fedbragg.state_arithmetic import copy_state
from fedbragg.types import Update


@dataclass(frozen=True, slots=True)
class Trip:
    """How one errand to a site goes: the model there, the training, the update back."""

    seconds: float  # on the engine's clock
    lost: bool = False  # nothing comes back


class Conditions(Protocol):
    """The world that the sites live in."""

    @property
    def keeps_deadlines(self) -> bool:
        """Tell whether the clock counts seconds; if not, a deadline passes only when nothing else can happen."""
        ...

    def trip(self, trainer: Trainer, command: events.SendModel) -> Trip:
        """Return how an errand goes; it must depend on the arguments alone."""
        ...

    def incidents(self) -> Iterable[tuple[float, events.Event]]:
        """Return what happens to sites, and when."""
        ...


class Book(Protocol):
    """Where the timeline tells what happens."""

    def note(self, progress: Progress) -> None:
        """Take down one thing that happened."""
        ...

    def changed(self, command: events.ModelChanged, time: float) -> None:
        """Take down a new global model."""
        ...

    def checkpoint(self, command: events.Checkpoint, time: float) -> None:
        """Save a checkpoint."""
        ...

    def finish(self, command: events.Finish, time: float) -> None:
        """Take down the end."""
        ...


@dataclass(slots=True, eq=False)
class Errand:
    """A model on its way to a site, and what will come of it."""

    site: str
    version: int
    due: float
    training: Training
    lost: bool


@dataclass(order=True, slots=True)
class _Entry:
    """Something that will happen; at equal times sites keep their order."""

    time: float
    order: int
    count: int
    what: Errand | events.Event = field(compare=False)


class Timeline:
    """Drive a coordinator until it is finished."""

    def __init__(
        self,
        coordinator: Coordinator,
        trainers: Sequence[Trainer],
        conditions: Conditions,
        workshop: Workshop,
    ) -> None:
        self._coordinator = coordinator
        self._trainers: Mapping[str, Trainer] = {trainer.name: trainer for trainer in trainers}
        self._order = {trainer.name: position for position, trainer in enumerate(trainers)}
        self._conditions = conditions
        self._workshop = workshop
        self._errands: dict[str, Errand] = {}
        self._agenda: list[_Entry] = []
        self._deadline: events.DeadlinePassed | None = None
        self._count = 0
        self._now = 0.0

    def run(self, book: Book, start: float = 0.0) -> None:
        """Go from ``start`` on the clock to the end of the federation."""
        self._now = start
        for time, incident in self._conditions.incidents():
            if time >= start:
                self._plan(time, -1, incident)
        self._handle(events.Started(), book)
        for member in () if self._coordinator.finished else self._coordinator.roster.expected():
            self._handle(events.SiteJoined(member.name), book)
        while not self._coordinator.finished:
            self._run_ahead()
            self._handle(self._next(book), book)

    def _next(self, book: Book) -> events.Event:
        while self._agenda:
            entry = heapq.heappop(self._agenda)
            what = entry.what
            if isinstance(what, events.DeadlinePassed) and what is not self._deadline:
                continue  # a later deadline has taken its place
            if not isinstance(what, Errand):
                self._now = entry.time
                return what
            if self._errands.get(what.site) is what:
                self._now = entry.time
                del self._errands[what.site]
                if not what.lost:
                    return self._outcome(what, book)
        if self._deadline is None:
            raise RuntimeError("the coordinator waits for nothing and has not finished")
        return self._deadline

    def _outcome(self, errand: Errand, book: Book) -> events.Event:
        self._workshop.finish(errand.training)
        try:
            parcel = errand.training.result()
            update = opened(parcel)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return events.SiteFailed(errand.site, f"{type(error).__name__}: {error}", errand.version)
        if (update.site, update.version) != (errand.site, errand.version):
            wrong = f"its update is signed {update.site!r}, version {update.version}"
            return events.SiteFailed(errand.site, wrong, errand.version)
        book.note(_arrived(update, parcel.nbytes, self._now))
        return events.UpdateArrived(update)

    def _run_ahead(self) -> None:
        """Start the trainings that will end before the next barrier, the earliest first."""
        idle = [e for e in self._errands.values() if not (e.lost or e.training.submitted)]
        if not idle:
            return
        horizon = self._horizon()
        for errand in sorted(idle, key=lambda errand: (errand.due, self._order[errand.site])):
            if errand.due <= horizon:
                self._workshop.submit(errand.training)

    def _horizon(self) -> float:
        waiting = [member.name for member in self._coordinator.roster.awaited()]
        return max(
            (self._errands[site].due if site in self._errands else inf for site in waiting), default=inf
        )

    def _handle(self, event: events.Event, book: Book) -> None:
        for progress in _told(event, self._now):
            book.note(progress)
        if isinstance(event, events.SiteLeft):
            self._drop(event.site)
        for command in self._coordinator.handle(event):
            self._carry_out(command, book)

    def _carry_out(self, command: events.Command, book: Book) -> None:
        match command:
            case events.SendModel():
                self._send(command)
                book.note(_sent(command, self._now))
            case events.SetDeadline(barrier, seconds):
                self._deadline = events.DeadlinePassed(barrier)
                if self._conditions.keeps_deadlines:
                    self._plan(self._now + seconds, len(self._order), self._deadline)
            case events.Abandon(site, reason):
                self._drop(site)
                book.note(Progress("abandoned", self._now, site=site, reason=reason))
            case events.Reject(site, version, reason):
                book.note(Progress("rejected", self._now, site=site, version=version, reason=reason))
            case events.ModelChanged():
                book.changed(command, self._now)
            case events.Checkpoint():
                book.checkpoint(command, self._now)
            case events.Finish():
                for site in list(self._errands):
                    self._drop(site)
                book.finish(command, self._now)

    def _send(self, command: events.SendModel) -> None:
        self._drop(command.site)
        trainer = self._trainers[command.site]
        trip = self._conditions.trip(trainer, command)
        work = partial(_train, trainer, command, self._coordinator.plan)
        errand = Errand(command.site, command.version, self._now + trip.seconds, Training(work), trip.lost)
        self._errands[command.site] = errand
        self._plan(errand.due, self._order[command.site], errand)

    def _drop(self, site: str) -> None:
        if errand := self._errands.pop(site, None):
            errand.training.cancelled = True

    def _plan(self, time: float, order: int, what: Errand | events.Event) -> None:
        self._count += 1
        heapq.heappush(self._agenda, _Entry(time, order, self._count, what))


def _train(trainer: Trainer, command: events.SendModel, plan: Plan) -> Parcel:
    # Copies both ways: a trainer that writes into what it was given, or goes on training in what it
    # returned, must not change what the coordinator holds.
    update = trainer.train(copy_state(command.model), command.version, command.epochs)
    generator = generator_for(plan.seed, command.site, command.version)
    return sealed(shielded(update, plan.rules, generator), plan.rules, generator)


def generator_for(seed: int, site: str, version: int) -> np.random.Generator:
    """Return the randomness of one errand, the same whenever it is run."""
    return np.random.default_rng([seed, int.from_bytes(site.encode()), version])


def _sent(command: events.SendModel, now: float) -> Progress:
    return Progress("sent", now, site=command.site, version=command.version, epochs=command.epochs)


def _arrived(update: Update, nbytes: int, now: float) -> Progress:
    return Progress(
        "update",
        now,
        version=update.version,
        site=update.site,
        samples=update.samples,
        loss=update.loss,
        bytes=nbytes,
    )


def _told(event: events.Event, now: float) -> Iterator[Progress]:
    match event:
        case events.SiteFailed(site, reason, _):
            yield Progress("failed", now, site=site, reason=reason)
        case events.SiteLeft(site, reason):
            yield Progress("left", now, site=site, reason=reason)
        case events.SiteJoined(site):
            yield Progress("joined", now, site=site)
