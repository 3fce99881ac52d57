"""Run the coordinator of real sites in real time: one thread handles events and carries out commands.

Sites poll, and every answer states what the site is to do, so the next poll makes up for any lost message. The methods
that answer sites may be called from any thread; they read the sessions and put events on the queue of the one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from math import inf
from queue import Empty, SimpleQueue
from typing import Any, cast

from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation import events
from fedbragg.federation.checkpoint import CheckpointStore, Saved
from fedbragg.federation.coordinator import Coordinator
from fedbragg.federation.engines.recorder import Recorder
from fedbragg.federation.engines.remote.model_messages import ModelMessages, largest_update
from fedbragg.federation.engines.remote.outgoing import Shapes, shapes_of
from fedbragg.federation.engines.remote.protocol import Message, encode_message, is_large
from fedbragg.federation.engines.remote.sessions import SessionTable, SumStep, TrainingRequest
from fedbragg.federation.engines.remote.update_message import update_of
from fedbragg.federation.ensemble import Refine
from fedbragg.federation.plan import Plan
from fedbragg.federation.private_training import epsilon_after
from fedbragg.federation.progress import FederationOutcome, ProgressEvent, update_arrived
from fedbragg.federation.secure.encoding import decoded, encoded
from fedbragg.federation.secure.messages import Advert, MaskedVector, Refusal, SiteMessage
from fedbragg.federation.wire import EncodedUpdate, decode
from fedbragg.types import State

Notify = Callable[[str], None]
"""Ask a site to poll at once; if the notice is lost, its next poll catches up."""
CHECK = 0.5
"""Longest pause between two checks for silent sites and for a stop, in seconds."""


class RealTimeDriver:
    """One federation, from its start, or from its last barrier, to its end."""

    def __init__(
        self,
        settings: Federation,
        initial: State,
        store: CheckpointStore,
        notify: Notify,
        saved: Saved | None = None,
        refine: Refine | None = None,
    ) -> None:
        """Prepare the federation of ``store``, after its barrier ``saved``; events wait while ``refine`` teaches."""
        model, record, memory = (saved.model, saved.record, saved.memory) if saved else (initial, None, None)
        names = [site.name for site in settings.sites]
        self._plan = plan = Plan.of(settings)
        self._coordinator = Coordinator(plan, names, model, record, refine, memory)
        self._notify = notify
        self._recorder = Recorder(store=store, epsilon=partial(epsilon_after, settings))
        self._recorder.begin(initial, saved)
        self._started = time.monotonic() - (saved.time if saved else 0.0)
        self._sessions = SessionTable(names, settings.server, self._now)
        self._check = min(settings.server.site_timeout / 4, CHECK)
        self._events: SimpleQueue[events.Event | EncodedUpdate] = SimpleQueue()
        self._deadline: tuple[float, events.DeadlinePassed] | None = None
        self._run_id = f"{time.time_ns():x}"  # so request names differ between runs of a server
        self._requests = 0
        self._messages = ModelMessages()
        self._stop_reason: str | None = None
        self._initial = initial
        self.largest_update = largest_update(plan, initial)
        self._version, self._barrier = self._coordinator.versions.number, self._coordinator.barriers.passed
        self.finished = bool(saved and saved.finished)  # true once everything is on disk
        if saved and saved.finished:
            self._recorder.outcome = FederationOutcome(
                saved.model, saved.history, saved.record["barrier"], saved.finished
            )

    def run(self) -> None:
        """Run until the federation has ended; call this in a thread of its own."""
        if not self.finished:
            self._handle(events.Started())
        while not self.finished:
            for site, timeout in self._sessions.disconnect_silent():
                self._handle(events.SiteLeft(site, f"no message for {timeout:g} s"))
            if self._stop_reason is not None:
                self._finish(events.Finish(self._coordinator.versions.newest, self._stop_reason))
            elif (event := self._next_event()) is not None:
                self._handle(event)

    # What other threads call

    def stop(self, reason: str) -> None:
        """End the federation early, with the newest model."""
        self._stop_reason = reason

    def poll(self, site: str, client: str, *, sending: bool = False) -> dict[str, Any]:
        """Note a poll and return what the site is to do; ``client`` differs after a restart of the site's client."""
        connected, request = self._sessions.poll(site, client, sending=sending)
        finished = self.finished
        if connected and not finished:
            self._events.put(events.SiteJoined(site))
        answer = {
            "finished": finished,
            "request": None if request is None or finished else request.fields(),
        }
        step = None if finished else self._sessions.step(site)
        return answer if step is None else {**answer, "sum": step.fields()}

    def model(self, site: str, name: str) -> bytes:
        """Return the message with a request's model; raise FederationError where the request is superseded."""
        request = self._sessions.request(site, name)
        if request is None:
            raise FederationError(f"request {name} is superseded")
        message = self._messages.of(request.model)
        self._sessions.model_sent(site, len(message), large=is_large(message))
        return message

    def shapes(self, site: str) -> Shapes:
        """Return type and shape of each tensor of the model that a site gets, for the site to see before it trains."""
        return shapes_of(self._plan.part(site, self._initial))

    def final_model(self, site: str | None = None) -> bytes:
        """Return the message with the last model, or a site's part of it; raise FederationError while it is made."""
        if self._recorder.outcome is None:
            raise FederationError("the federation has not ended yet")
        model = self._recorder.outcome.model
        return self._messages.of(model if site is None else self._plan.part(site, model))

    def take_update(self, site: str, message: Message, nbytes: int) -> bool:
        """Take an update of ``nbytes``; return whether it answers the site's current request."""
        name, update = update_of(message)
        request = self._sessions.close_request(site, name, nbytes)
        if request is None:
            return False
        if (update.site, update.version) == (site, request.version):
            self._events.put(update)
        else:
            wrong = f"its update is signed {update.site!r}, version {update.version}"
            self._events.put(events.SiteFailed(site, wrong, request.version))
        return True

    def take_trained(self, site: str, message: Message, nbytes: int) -> bool:
        """Take a site's offer of an update; return whether it answers the site's current request."""
        advert = decoded(message.fields["sum"], message.tensors)
        request = self._sessions.close_request(site, str(message.fields["request"]), nbytes)
        if request is None:
            return False
        if isinstance(advert, Advert) and advert.site == site:
            self._events.put(events.SiteTrained(site, request.version, advert))
        else:
            self._events.put(events.SiteFailed(site, "its offer holds no keys of its own", request.version))
        return True

    def step_message(self, site: str) -> bytes:
        """Return the message of a masked sum that a site is to answer; raise FederationError where there is none."""
        step = self._sessions.step(site)
        if step is None:
            raise FederationError("the sum continues without this site, or has ended")
        return step.content

    def take_answer(self, site: str, message: Message, nbytes: int) -> bool:
        """Take a site's answer to a message of a masked sum; return whether the server waits for it."""
        fields = message.fields
        number, position = int(fields["number"]), int(fields["position"])
        answer = decoded(fields["sum"], message.tensors)
        waits = self._sessions.close_step(site, number, position, nbytes)
        if waits:
            self._events.put(events.SumAnswered(site, number, cast(SiteMessage, answer)))
        return waits

    def take_failure(self, site: str, name: str, reason: str, *, veto: bool = False) -> bool:
        """Take the reason why a site could or would not train; return whether it answers its current request."""
        request = self._sessions.close_request(site, name)
        if request is not None and veto:
            self._events.put(events.SiteRefused(site, request.version, reason))
        elif request is not None:
            self._events.put(events.SiteFailed(site, reason, request.version))
        return request is not None

    def leave(self, site: str, client: str) -> None:
        """Note that a site's client ends."""
        if self._sessions.leave(site, client):
            self._events.put(events.SiteLeft(site, "its client was ended"))

    def note_problem(self, site: str, problem: str) -> None:
        """Show a problem of a site in the status."""
        self._sessions.note_problem(site, problem)

    def status(self, since: int) -> dict[str, Any]:
        """Return the state of the federation as JSON, with its history from line ``since`` on."""
        history, outcome = self._recorder.history, self._recorder.outcome
        return {
            "time": round(self._now(), 1),
            "version": self._version,
            "barrier": self._barrier,
            "sites": self._sessions.rows(),
            "networks": self._plan.networks,
            "lines": len(history),
            "history": history[since:],
            "ended": None if outcome is None else outcome.reason,
        }

    # What the one thread calls

    def _now(self) -> float:
        return time.monotonic() - self._started

    def _next_event(self) -> events.Event | None:
        """Wait a moment for the next event; return None if none has come yet."""
        due = self._deadline[0] if self._deadline else inf
        try:
            event = self._events.get(timeout=min(self._check, max(due - self._now(), 0.0)))
        except Empty:
            if self._deadline is None or self._now() < due:
                return None
            passed, self._deadline = self._deadline[1], None
            return passed
        return self._update_event(event) if isinstance(event, EncodedUpdate) else event

    def _update_event(self, sent: EncodedUpdate) -> events.Event:
        try:
            update = decode(sent)
        except (ValueError, TypeError, ArithmeticError) as error:  # a faulty site may send anything
            return events.SiteFailed(sent.site, f"its update cannot be decoded: {error}", sent.version)
        self._sessions.note_update(update)
        self._recorder.note(update_arrived(update, sent.nbytes, self._now()))
        return events.UpdateArrived(update)

    def _handle(self, event: events.Event) -> None:
        match event:
            case events.SiteJoined(site):
                self._note("joined", site=site)
            case events.SumAnswered(site, _, MaskedVector(vector)):
                self._note("update", site=site, bytes=vector.nbytes)
            case events.SumAnswered(site, _, Refusal(reason)):
                self._sessions.note_problem(site, f"refused: {reason}")
            case events.SiteFailed(site, reason, version):
                self._note_problem("failed", site, reason, version)
            case events.SiteRefused(site, version, reason):
                self._note_problem("vetoed", site, reason, version)
            case events.SiteLeft(site, reason):
                self._note_problem("left", site, reason)
        for command in self._coordinator.handle(event, self._now()):
            self._execute(command)

    def _execute(self, command: events.Command) -> None:
        match command:
            case events.SendModel():
                self._send(command)
            case events.SendSumMessage():
                self._ask(command)
            case events.SumFailed(reason):
                self._note("refused", reason=reason)
            case events.SetDeadline(barrier, seconds):
                self._deadline = (self._now() + seconds, events.DeadlinePassed(barrier))
            case events.Abandon(site, reason):
                self._sessions.assign(site, None)
                self._notify(site)
                self._note_problem("abandoned", site, reason)
            case events.Reject(site, version, reason):
                self._note_problem("rejected", site, reason, version)
            case events.ModelChanged():
                self._version, self._barrier = command.version, command.barrier
                self._recorder.changed(command, self._now())
            case events.ModelWithdrawn():
                self._version = command.version
                self._recorder.withdrawn(command, self._now())
            case events.SaveCheckpoint():
                self._recorder.checkpoint(command, self._now())
            case events.Finish():
                self._finish(command)

    def _send(self, command: events.SendModel) -> None:
        self._requests += 1
        name = f"{self._run_id}-{self._requests}"
        request = TrainingRequest(name, command.version, command.epochs, command.model)
        self._sessions.assign(command.site, request)
        self._notify(command.site)

    def _ask(self, command: events.SendSumMessage) -> None:
        self._requests += 1
        fields, arrays = encoded(command.message)
        content = encode_message(Message({"sum": fields}, arrays))
        self._sessions.ask_step(command.site, SumStep(command.number, self._requests, content))
        self._notify(command.site)

    def _finish(self, command: events.Finish) -> None:
        self._recorder.finish(command, self._now())
        self.finished = True
        for member in self._coordinator.roster:
            self._notify(member.name)

    def _note_problem(self, event: str, site: str, reason: str, version: int | None = None) -> None:
        self._sessions.note_problem(site, f"{event}: {reason}")
        self._note(event, site=site, reason=reason, version=version)

    def _note(self, event: str, **fields: Any) -> None:
        self._recorder.note(ProgressEvent(event, self._now(), **fields))
