"""A site's side: poll the server, train as assigned, send the update; no network code here.

The site asks and the server answers, never the other way round; a notice from the server only makes it poll at once.
A report is sent again until the server answers it. client_state.py defines the states.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from fedbragg.errors import FederationError, NoAnswerError, ProtocolMismatchError, ReplacedError
from fedbragg.federation.engines.remote.accepted_models import AcceptedModels
from fedbragg.federation.engines.remote.audit_log import SENT, AuditedLink, AuditLog
from fedbragg.federation.engines.remote.client_state import (
    Declined,
    Exporting,
    Finished,
    Loading,
    NoWorker,
    Outside,
    Ready,
    Reporting,
    State,
    Training,
    Unusable,
    after_event,
)
from fedbragg.federation.engines.remote.connection import ConnectionLog, Link, ServerConnection
from fedbragg.federation.engines.remote.masked_updates import MaskedUpdates
from fedbragg.federation.engines.remote.private_updates import PrivateUpdates
from fedbragg.federation.engines.remote.protocol import is_large
from fedbragg.federation.engines.remote.reporter import Reporter
from fedbragg.federation.engines.remote.site_config import ParticipationLimits, load_site_config
from fedbragg.federation.engines.remote.site_report import REPORT, Activity, ReportFile, Terms, activity_of
from fedbragg.federation.engines.remote.worker_messages import Failure, Load
from fedbragg.federation.engines.remote.worker_process import WorkerProcess
from fedbragg.federation.secure.identity import Credentials
from fedbragg.federation.tensors import read_shapes

SHORTEST_TIMEOUT = 5.0
"""Shortest time allowed for a poll, in seconds."""


class SiteClient:
    """One site's client."""

    def __init__(
        self,
        site: str,
        site_config: Path,
        folder: Path,
        say: Callable[[str], None],
        worker_command: Sequence[str],
        credentials: Credentials | None = None,
    ) -> None:
        """Represent ``site``, whose data ``site_config`` names; keep state and final models in ``folder``.

        ``worker_command`` starts the process that holds the data and trains. Secure aggregation needs ``credentials``.
        """
        self._site, self._site_config, self._folder, self._say = site, site_config, folder, say
        self._config = load_site_config(site_config)
        self._limits = ParticipationLimits(self._config.limits, folder / "rounds.json")
        self._client = os.urandom(6).hex()  # differs after every start
        self._woken = threading.Event()
        self._leaving = False
        self._log = ConnectionLog(say)
        self._worker = WorkerProcess(worker_command, folder / "work", self.wake)
        self._masked = MaskedUpdates(credentials, folder)
        self._reporter = Reporter(self._worker, self._masked, partial(self._poll, sending=True), say)
        self._report_file = ReportFile(folder / REPORT)
        self._accepted = AcceptedModels(self._config.limits, folder)
        self._private = PrivateUpdates(self._config.limits, folder)
        self._state: State = Outside()
        self._terms = Terms()
        self._version: int | None = None  # of the model that it trained on last
        self._request: str | None = None  # in progress, or the last one that ended

    def wake(self) -> None:
        """Start the next round at once; any thread may call this."""
        self._woken.set()

    def leave(self) -> None:
        """End after a last message; any thread may call this."""
        self._leaving = True
        self.wake()

    def run(self, link: Link) -> None:
        """Take part in federations until ``leave`` is called; raise ReplacedError where another client takes over."""
        log = AuditLog(self._folder / SENT)
        connection = ServerConnection(AuditedLink(link, self._site, log, self._known))
        while not self._leaving:
            try:
                self._round(connection)
            except NoAnswerError as error:
                self._log.silence(str(error))
            except ProtocolMismatchError as error:
                self._log.error(str(error))
            except ReplacedError as error:
                self._worker.close()
                self._write_report(Activity(str(error), refused=True, ended=True))
                raise
            except FederationError as error:
                self._log.error(f"the server says: {error}")
            else:
                self._log.success()
            self._write_report(activity_of(self._state))
            self._woken.wait(self._pause())
            self._woken.clear()
        end = connection.leave(self._client)
        self._say(end)
        self._write_report(Activity(end, ended=True))
        self._worker.close()

    def _known(self) -> dict[str, Any]:
        """Return the further fields that the audit log gets with each message."""
        known = {"version": self._version, "epsilon": self._private.epsilon}
        return {name: value for name, value in known.items() if value is not None}

    def _write_report(self, activity: Activity) -> None:
        with contextlib.suppress(OSError):  # a full disk; training continues without the report
            self._report_file.write(activity, self._terms, self._log.trouble, self._version)

    def _round(self, connection: ServerConnection) -> None:
        for event in self._worker.events():
            self._accepted.note(event, self._worker.start_model)
            self._change(after_event(self._state, event))
        self._stop_overdue_training()
        self._send_report(connection)
        answer = self._poll(connection)
        self._log.answer()
        if answer["federation"] is None:
            return
        if answer["federation"] != self._terms.federation:
            self._enter(connection, answer)
        if (step := answer.get("sum")) is not None:
            self._reporter.answer(connection, step)
            self.wake()
        if answer["finished"]:
            self._finish(connection)
        elif answer["request"] is None:
            self._stop_training()
            self._request = None
        elif answer["request"]["name"] != self._request:
            self._take(connection, answer["request"])

    def _poll(self, connection: ServerConnection, *, sending: bool = False) -> Mapping[str, Any]:
        # A poll is small: if it takes longer than two heartbeats, the next one does as well.
        timeout = max(2 * self._terms.heartbeat, SHORTEST_TIMEOUT)
        return connection.ask("poll", {"client": self._client, "sending": sending}, timeout)

    def _pause(self) -> float:
        """Return the seconds until the next round."""
        left = self._state.ends_by - time.monotonic() if isinstance(self._state, Training) else inf
        return max(0.0, min(self._terms.heartbeat, left))

    def _change(self, new: State) -> None:
        """Enter a state, and print what people at the site should know."""
        if new is self._state:
            return
        self._state = new
        self._write_report(activity_of(new))
        match new:
            case Reporting(_, Failure(_, local), _):
                self._say(f"failed: {local}")
            case Finished(text) if text:
                self._say(f"the federation has ended: {text}")
        if isinstance(new, Finished):
            self._worker.close()

    # Federations

    def _enter(self, connection: ServerConnection, answer: Mapping[str, Any]) -> None:
        name, fields = str(answer["federation"]), connection.ask("settings", {})
        settings, connection.timeout = fields["settings"], fields["timeouts"]["message"]
        self._terms, self._request, self._version = Terms.of(name, fields), None, None
        self._worker.close()
        if (refusal := self._limits.refusal(settings)) is not None:
            self._say(f"federation {name}: {refusal.local}")
            self._change(Declined(refusal))
            return
        try:
            self._masked.enter(settings, self._terms.sites)
            promise = self._private.enter(name, settings)
        except FederationError as error:
            self._say(f"federation {name}: {error}")
            self._change(Declined(Failure.of(str(error))))
            return
        if promise:
            self._say(f"federation {name}: {promise}")
        self._accepted.enter(name)
        self._change(NoWorker())
        if not answer["finished"]:
            self._start_worker()

    def _start_worker(self) -> None:
        self._say(f"federation {self._terms.federation}: reading this site's data")
        folder = self._site_config.parent.resolve()
        own, gpu = self._config, self._config.limits.gpu
        device = {"device": "auto" if gpu else "cpu"}
        site = {"name": self._site, **own.model_dump(exclude={"limits"}), **device}
        self._worker.start(Load(self._terms.settings, site, str(folder)), gpu=gpu)
        self._change(Loading())

    def _finish(self, connection: ServerConnection) -> None:
        """Have the final model written here, once."""
        out = self._folder / "models" / f"{self._terms.federation}.onnx"
        match self._state:
            case NoWorker() | Ready() | Training() if out.exists():
                self._change(Finished())
            case NoWorker():
                self._start_worker()
            case Ready() | Training():
                self._stop_training()
                self._worker.export(connection.fetch("final", {}), out, self._accepted.otherwise)
                self._change(Exporting())

    # Requests

    def _take(self, connection: ServerConnection, request: Mapping[str, Any]) -> None:
        name = str(request["name"])
        match self._state:
            case Declined(failure):
                self._fail(name, failure, self._state)
            case Unusable(failure):
                self._worker.close()  # the next request reads the data again: somebody may have corrected them
                self._fail(name, failure, NoWorker())
            case NoWorker():
                self._start_worker()
            case Ready() | Training():
                self._stop_training()
                self._train(connection, name, request)

    def _train(self, connection: ServerConnection, name: str, request: Mapping[str, Any]) -> None:
        model = connection.fetch("model", {"request": name})
        if is_large(model):
            self.wake()  # the next poll, at once, shows the server that the model has arrived
        try:
            self._limits.take_round()
            self._private.take(int(request["epochs"]))
        except FederationError as error:
            self._fail(name, Failure.of(str(error)), Ready())
            return
        self._say(f"training on version {request['version']}, epochs: {request['epochs']}")
        self._version = int(request["version"])
        self._worker.train(request, model, self._accepted.standard)
        with contextlib.suppress(FederationError):  # a damaged model; the worker reports it
            self._terms = self._terms.with_model(read_shapes(self._worker.start_model))
        limit = self._terms.training_timeout
        self._request = name
        self._change(Training(name, limit, time.monotonic() + limit))

    def _stop_training(self) -> None:
        if isinstance(self._state, Training):
            self._worker.stop_training()
            self._change(Ready())

    def _stop_overdue_training(self) -> None:
        match self._state:
            case Training(request, limit, ends_by) if time.monotonic() >= ends_by:
                self._stop_training()
                reason = f"no update within {limit:g} s; the trainer was stopped"
                self._fail(request, Failure.of(reason), Ready())

    def _fail(self, request: str, failure: Failure, then: Declined | NoWorker | Ready) -> None:
        self._request = request
        self._change(Reporting(request, failure, then))
        self.wake()

    def _send_report(self, connection: ServerConnection) -> None:
        if isinstance(self._state, Reporting):
            self._reporter.report(connection, self._state, partial(self._change, self._state.then))
