"""The server's table of sites: each one's last message, its request, the bytes transferred. Safe for threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fedbragg.config import ServerSettings
from fedbragg.errors import ReplacedError
from fedbragg.types import State, Update

REPLACED = (
    "another client of site {site} has connected since this one. Only one may run with a kit: end one of them, and ask "
    "the coordinator for a new kit if you do not know the other"
)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRequest:
    """A model that a site is to train on."""

    name: str  # unique, also over restarts of the server
    version: int
    epochs: int
    model: State

    def fields(self) -> dict[str, Any]:
        """Return the part that a poll's answer holds; the site fetches the model separately."""
        return {"name": self.name, "version": self.version, "epochs": self.epochs}


@dataclass(frozen=True, slots=True, eq=False)
class SumStep:
    """A message of a masked sum that a site is to answer."""

    number: int  # of the sum
    position: int  # rises with every message of the server, so that no two have the same
    content: bytes  # the message, which the site fetches

    def fields(self) -> dict[str, Any]:
        """Return the part that a poll's answer holds."""
        return {"number": self.number, "position": self.position}


@dataclass(slots=True, eq=False)
class SiteSession:
    """One site as its messages show it."""

    site: str
    client: str | None = None  # a random number that the client draws when it starts
    replaced: set[str] = field(default_factory=set)  # the clients before it
    last_message: float | None = None  # seconds on the driver's clock
    gone: bool = False
    in_transfer: bool = False  # a large model or update is on its way and delays the site's polls
    request: TrainingRequest | None = None
    step: SumStep | None = None  # of a masked sum, not answered yet
    version: int | None = None  # of its last update
    loss: float | None = None
    samples: int | None = None
    sent: int = 0  # bytes of models to the site
    received: int = 0  # bytes of updates from it
    problem: str = ""  # the last one, in one line

    def note_message(self, now: float, *, in_transfer: bool = False) -> None:
        """Note a message; with ``in_transfer`` the next one may take as long as a large message."""
        self.last_message, self.in_transfer = now, in_transfer

    def disconnect(self) -> None:
        """Count the site as gone until the next poll."""
        self.gone, self.request, self.step = True, None, None

    def timeout(self, server: ServerSettings) -> float:
        """Return the seconds of silence after which the site counts as gone."""
        return max(server.site_timeout, server.message_timeout if self.in_transfer else 0.0)

    def row(self, now: float) -> dict[str, Any]:
        """Return the site as JSON."""
        return {
            "site": self.site,
            "doing": self._doing(),
            "silent": None if self.last_message is None else round(now - self.last_message, 1),
            "version": self.version,
            "loss": self.loss,
            "samples": self.samples,
            "sent": self.sent,
            "received": self.received,
            "problem": self.problem,
        }

    def _doing(self) -> str:
        if self.last_message is None:
            return "awaited"
        if self.gone:
            return "gone"
        if self.step is not None:
            return "taking part in a sum"
        return "waiting" if self.request is None else f"training on {self.request.version}"


class SessionTable:
    """The sessions of a federation's sites. Every method takes the table's lock; any thread may call it."""

    def __init__(self, sites: Sequence[str], server: ServerSettings, now: Callable[[], float]) -> None:
        """Start with sites that have sent nothing; ``now`` is the driver's clock in seconds."""
        self._sessions = {site: SiteSession(site) for site in sites}
        self._server, self._now = server, now
        self._lock = threading.Lock()

    def poll(self, site: str, client: str, *, sending: bool) -> tuple[bool, TrainingRequest | None]:
        """Note a poll; return whether the site has just connected, and its current request.

        A site that is ``sending`` an update may be silent for as long as a message may take. Raise ReplacedError for
        a client that still runs although another one of this site has polled since.
        """
        with self._lock:
            session = self._sessions[site]
            if client in session.replaced:
                raise ReplacedError(REPLACED.format(site=site))
            connected = session.client != client or session.gone
            if connected:
                session.disconnect()
                if session.client is not None and session.client != client:
                    session.replaced.add(session.client)
                session.client, session.gone = client, False
            session.note_message(self._now(), in_transfer=sending)
            return connected, session.request

    def assign(self, site: str, request: TrainingRequest | None) -> None:
        """Give a site a request in place of its current one, or none."""
        with self._lock:
            session = self._sessions[site]
            session.request, session.step = request, None

    def ask_step(self, site: str, step: SumStep) -> None:
        """Have a site answer a message of a masked sum, in place of an earlier one."""
        with self._lock:
            self._sessions[site].step = step

    def step(self, site: str) -> SumStep | None:
        """Return the message of a masked sum that a site is to answer."""
        with self._lock:
            return self._sessions[site].step

    def close_step(self, site: str, number: int, position: int, received: int) -> bool:
        """Note a site's answer of ``received`` bytes; return whether the server waits for it."""
        with self._lock:
            session = self._sessions[site]
            session.received += received
            session.note_message(self._now())
            step = session.step
            if step is None or (step.number, step.position) != (number, position):
                return False
            session.step = None
            return True

    def request(self, site: str, name: str) -> TrainingRequest | None:
        """Return a site's current request if it has this name."""
        with self._lock:
            request = self._sessions[site].request
            return request if request is not None and request.name == name else None

    def model_sent(self, site: str, nbytes: int, *, large: bool) -> None:
        """Note that a model is on its way to a site."""
        with self._lock:
            session = self._sessions[site]
            session.sent += nbytes
            session.note_message(self._now(), in_transfer=large)

    def close_request(self, site: str, name: str, received: int = 0) -> TrainingRequest | None:
        """End the site's current request if it has this name, and return it; count the bytes received in any case."""
        with self._lock:
            session = self._sessions[site]
            session.received += received
            request = session.request
            if request is None or request.name != name:
                return None
            session.request = None
            session.note_message(self._now())
            return request

    def leave(self, site: str, client: str) -> bool:
        """Note that a client ends; return whether it is the one that is connected."""
        with self._lock:
            session = self._sessions[site]
            if session.client != client or session.gone:
                return False
            session.disconnect()
            return True

    def disconnect_silent(self) -> list[tuple[str, float]]:
        """Count sites that are silent for too long as gone; return them with the seconds allowed."""
        with self._lock:
            silent = [
                (session, timeout)
                for session in self._sessions.values()
                if session.last_message is not None and not session.gone
                for timeout in [session.timeout(self._server)]
                if self._now() - session.last_message > timeout
            ]
            for session, _ in silent:
                session.disconnect()
            return [(session.site, timeout) for session, timeout in silent]

    def note_update(self, update: Update) -> None:
        """Note a site's last update."""
        with self._lock:
            session = self._sessions[update.site]
            session.version, session.loss, session.samples = update.version, update.loss, update.samples

    def note_problem(self, site: str, problem: str) -> None:
        """Note the latest problem of a site."""
        with self._lock:
            self._sessions[site].problem = problem

    def rows(self) -> list[dict[str, Any]]:
        """Return every site as JSON."""
        with self._lock:
            now = self._now()
            return [session.row(now) for session in self._sessions.values()]
