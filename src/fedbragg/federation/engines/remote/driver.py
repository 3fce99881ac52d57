"""The coordinator's side of a federation of real sites: one thread carries out its commands, in real time.

Sites call in (contact), and every answer states what the site is to do: whatever gets lost on the way, the next
call repairs it. The methods that answer sites may be called from any thread; they only look, and put events on
the queue that the one thread works off.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from math import inf
from queue import Empty, SimpleQueue
from typing import Any

from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation import events
from fedbragg.federation.checkpoint import CheckpointStore, Saved
from fedbragg.federation.coordinator import Coordinator
from fedbragg.federation.engines.recorder import Recorder
from fedbragg.federation.engines.remote.protocol import Message, encode_message, is_large, update_of
from fedbragg.federation.engines.remote.site_session import SiteSession, TrainingRequest
from fedbragg.federation.plan import Plan
from fedbragg.federation.progress import FederationOutcome, ProgressEvent
from fedbragg.federation.wire import EncodedUpdate, decode
from fedbragg.types import State

Notify = Callable[[str], None]
"""Ask a site to poll at once; if the notice is lost, its next poll catches up."""


class RealTimeDriver:
    """One federation, from its start, or from its last barrier, to its end."""

    def __init__(
        self,
        settings: Federation,
        initial: State,
        store: CheckpointStore,
        notify: Notify,
        saved: Saved | None = None,
    ) -> None:
        """Take up the federation that ``store`` names; ``saved`` is its last barrier, where there is one."""
        model, record = (saved.model, saved.record) if saved else (initial, None)
        names = [site.name for site in settings.sites]
        self._coordinator = Coordinator(Plan.of(settings), names, model, record)
        self._rules, self._notify = settings.server, notify
        self._recorder = Recorder(store=store)
        self._recorder.begin(initial, saved)
        self.finished = bool(saved and saved.finished)  # once all is on disk
        if saved and saved.finished:
            self._recorder.outcome = FederationOutcome(
                saved.model, saved.history, saved.record["barrier"], saved.finished
            )
        self._started = time.monotonic() - (saved.time if saved else 0.0)
        self._life = f"{time.time_ns():x}"  # requests from before a restart of the server are not answered
        self._requests = 0
        self._sessions = {name: SiteSession(name) for name in names}
        self._lock = threading.Lock()
        self._queue: SimpleQueue[events.Event | EncodedUpdate] = SimpleQueue()
        self._deadline: tuple[float, events.DeadlinePassed] | None = None
        self._packed: tuple[State | None, bytes] = (None, b"")
        self._stopped: str | None = None
        self.version = self._coordinator.versions.number
        self.barrier = self._coordinator.barrier

    def run(self) -> None:
        """Conduct until the federation is over; call it in a thread of its own."""
        if not self.finished:
            self._handle(events.Started())
        while not self.finished:
            self._look_for_silence()
            if self._stopped is not None:
                self._finish(events.Finish(self._coordinator.versions.newest, self._stopped))
            elif (event := self._next()) is not None:
                self._handle(event)

    def stop(self, reason: str) -> None:
        """End the federation before its time."""
        self._stopped = reason

    # What sites ask for; any thread

    def contact(self, site: str, life: str, *, sending: bool = False) -> dict[str, Any]:
        """Take a sign of life and say what the site is to do; ``life`` differs after a restart of the site.

        A site that is ``sending`` an update may be silent for as long as a message may take.
        """
        with self._lock:
            session = self._sessions[site]
            anew = session.life != life or session.gone
            session.life, session.gone = life, False
            session.hear(self._now(), in_transfer=sending)
            if anew:
                session.request = None
            request = session.request
        if anew and not self.finished:
            self._queue.put(events.SiteJoined(site))
        told = (
            None
            if request is None
            else {"name": request.name, "version": request.version, "epochs": request.epochs}
        )
        return {"finished": self.finished, "request": None if self.finished else told}

    def model(self, site: str, request: str) -> bytes:
        """Return the model of a request, as it travels; raise FederationError where it is superseded."""
        with self._lock:
            session = self._sessions[site]
            if session.request is None or session.request.name != request:
                raise FederationError(f"request {request} is superseded")
            if self._packed[0] is not session.request.model:
                self._packed = (session.request.model, encode_message(Message({}, session.request.model)))
            session.sent += len(self._packed[1])
            session.hear(self._now(), in_transfer=is_large(self._packed[1]))
            return self._packed[1]

    def final(self) -> bytes:
        """Return the federation's last model, as it travels."""
        if self._recorder.outcome is None:
            raise FederationError("the federation is not over yet")
        return encode_message(Message({}, self._recorder.outcome.model))

    def deliver(self, site: str, message: Message, size: int) -> bool:
        """Take an update in, and tell whether anybody waited for it."""
        encoded = update_of(message)
        request = self._closed(site, str(message.fields["request"]), size)
        if request is None:
            return False
        if (encoded.site, encoded.version) != (site, request.version):
            wrong = f"its update is signed {encoded.site!r}, version {encoded.version}"
            self._queue.put(events.SiteFailed(site, wrong, request.version))
        else:
            self._queue.put(encoded)
        return True

    def failed(self, site: str, request: str, reason: str) -> bool:
        """Take in that a site could not train, and tell whether anybody waited for it."""
        closed = self._closed(site, request, 0)
        if closed is not None:
            self._queue.put(events.SiteFailed(site, reason, closed.version))
        return closed is not None

    def left(self, site: str, life: str) -> None:
        """Take in that a site's client was told to end."""
        with self._lock:
            session = self._sessions[site]
            if session.life != life or session.gone:
                return
            session.gone, session.request = True, None
        self._queue.put(events.SiteLeft(site, "its client was ended"))

    def _closed(self, site: str, name: str, size: int) -> TrainingRequest | None:
        with self._lock:
            session = self._sessions[site]
            request = session.request
            session.received += size
            if request is None or request.name != name:
                return None
            session.request = None
            session.hear(self._now())
            return request

    def status(self, since: int) -> dict[str, Any]:
        """Return how the federation stands as JSON, with its history from line ``since`` on."""
        now, history, outcome = self._now(), self._recorder.history, self._recorder.outcome
        with self._lock:
            sites = [session.row(now) for session in self._sessions.values()]
        told = {"time": round(now, 1), "version": self.version, "barrier": self.barrier, "sites": sites}
        ended = None if outcome is None else outcome.reason
        return {**told, "lines": len(history), "history": history[since:], "ended": ended}

    # The one thread

    def _now(self) -> float:
        return time.monotonic() - self._started

    def _next(self) -> events.Event | None:
        due = self._deadline[0] if self._deadline else inf
        patience = min(self._rules.site_timeout / 4, 0.5, max(due - self._now(), 0.0))
        try:
            happened = self._queue.get(timeout=patience)
        except Empty:
            if self._deadline is None or self._now() < due:
                return None
            passed, self._deadline = self._deadline[1], None
            return passed
        if isinstance(happened, EncodedUpdate):
            return self._arrived(happened)
        return happened

    def _arrived(self, encoded: EncodedUpdate) -> events.Event:
        try:
            update = decode(encoded)
        except (ValueError, TypeError, ArithmeticError) as error:  # whatever a broken site may have sent
            return events.SiteFailed(encoded.site, f"its update cannot be opened: {error}", encoded.version)
        session = self._sessions[update.site]
        session.version, session.loss, session.samples = update.version, update.loss, update.samples
        self._note(
            "update",
            site=update.site,
            version=update.version,
            samples=update.samples,
            loss=update.loss,
            bytes=encoded.nbytes,
        )
        return events.UpdateArrived(update)

    def _look_for_silence(self) -> None:
        now = self._now()
        with self._lock:
            silent = [
                session
                for session in self._sessions.values()
                if session.heard is not None
                and not session.gone
                and now - session.heard > self._silence_allowed(session)
            ]
            for session in silent:
                session.gone, session.request = True, None
        for session in silent:
            self._handle(
                events.SiteLeft(session.site, f"not heard of for {self._silence_allowed(session):g} s")
            )

    def _silence_allowed(self, session: SiteSession) -> float:
        return (
            max(self._rules.site_timeout, self._rules.message_timeout)
            if session.in_transfer
            else self._rules.site_timeout
        )

    def _handle(self, event: events.Event) -> None:
        match event:
            case events.SiteJoined(site):
                self._note("joined", site=site)
            case events.SiteFailed(site, reason, version):
                self._trouble("failed", site, reason, version)
            case events.SiteLeft(site, reason):
                self._trouble("left", site, reason)
        for command in self._coordinator.handle(event):
            self._carry_out(command)

    def _carry_out(self, command: events.Command) -> None:
        match command:
            case events.SendModel():
                self._send(command)
            case events.SetDeadline(barrier, seconds):
                self._deadline = (self._now() + seconds, events.DeadlinePassed(barrier))
            case events.Abandon(site, reason):
                with self._lock:
                    self._sessions[site].request = None
                self._notify(site)
                self._trouble("abandoned", site, reason)
            case events.Reject(site, version, reason):
                self._trouble("rejected", site, reason, version)
            case events.ModelChanged():
                self.version, self.barrier = command.version, command.barrier
                self._recorder.changed(command, self._now())
            case events.Checkpoint():
                self._recorder.checkpoint(command, self._now())
            case events.Finish():
                self._finish(command)

    def _send(self, command: events.SendModel) -> None:
        self._requests += 1
        request = TrainingRequest(
            f"{self._life}-{self._requests}", command.version, command.epochs, command.model
        )
        with self._lock:
            self._sessions[command.site].request = request
        self._notify(command.site)

    def _finish(self, command: events.Finish) -> None:
        self._recorder.finish(command, self._now())
        self.finished = True
        for site in self._sessions:
            self._notify(site)

    def _trouble(self, event: str, site: str, reason: str, version: int | None = None) -> None:
        self._sessions[site].trouble = f"{event}: {reason}"
        self._note(event, site=site, reason=reason, version=version)

    def _note(self, event: str, **told: Any) -> None:
        self._recorder.note(ProgressEvent(event, self._now(), **told))
