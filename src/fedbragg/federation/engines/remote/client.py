"""A site's side: poll the server, train what it assigns, send the update. No NVIDIA FLARE here.

The site asks and the server answers, never the other way round; a notice from the server only makes it ask at
once. Whatever is lost on the way is asked or told again until the server says that it has it, or that it no
longer matters.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation.engines.remote.protocol import Message, decode_message, encode_message, is_large
from fedbragg.federation.engines.remote.site_config import ParticipationLimits, load_site_config
from fedbragg.federation.engines.remote.worker_process import WORKER_COMMAND, Failure, WorkerProcess

CONTACT, ANSWER = 2.0, 120.0  # seconds, until the server says otherwise


class NoAnswerError(FederationError):
    """The server did not answer in time."""


class Link(Protocol):
    """The way to the server."""

    def ask(self, topic: str, payload: bytes, patience: float) -> memoryview:
        """Return the server's answer, or raise NoAnswerError after ``patience`` seconds without progress."""
        ...


class SiteClient:
    """One site's client."""

    def __init__(
        self,
        site: str,
        site_config: Path,
        folder: Path,
        say: Callable[[str], None],
        worker: Sequence[str] = WORKER_COMMAND,
    ) -> None:
        """Stand for ``site``, whose data ``site_config`` names; keep state and final models in ``folder``."""
        self._site, self._site_config, self._folder, self._say = site, site_config, folder, say
        self._own = load_site_config(site_config)
        self._caps = ParticipationLimits(self._own.limits, folder / "rounds.json")
        self._life = os.urandom(6).hex()
        self._news = threading.Event()
        self._trainer = WorkerProcess(folder / "work", self.wake, worker)
        self._link: Link | None = None
        self._federation: str | None = None
        self._terms: Mapping[str, Any] = {}
        self._order: dict[str, Any] = {}  # what a worker needs to read this site's data
        self._refused: Failure | None = None  # why this site takes no part
        self._request: str | None = None  # the current request, or the last finished
        self._owed: tuple[str, bytes] | None = None  # a report that the server does not have yet
        self._silent_since: float | None = None
        self._leaving = False

    def wake(self) -> None:
        """Have the next round begin at once; any thread."""
        self._news.set()

    def leave(self) -> None:
        """End after a word of farewell; any thread."""
        self._leaving = True
        self.wake()

    def run(self, link: Link) -> None:
        """Serve federations until told to leave."""
        self._link = link
        while not self._leaving:
            try:
                self._round()
            except NoAnswerError as error:
                self._note_silence(str(error))
            except FederationError as error:
                self._say(f"the server says: {error}")
            self._news.wait(self._terms.get("contact", CONTACT))
            self._news.clear()
        with contextlib.suppress(FederationError):  # it will notice
            self._ask("leave", {"life": self._life}, 2.0)
        self._trainer.close()

    def _round(self) -> None:
        self._report()
        # A sign of life is small: where it takes longer than two rounds, the next one is as good.
        told = self._ask(
            "contact", {"life": self._life}, max(2 * self._terms.get("contact", CONTACT), 5.0)
        ).fields
        self._note_speech()
        if told["federation"] is None:
            return
        if told["federation"] != self._federation:
            self._enter(told["federation"])
        request = told["request"]
        if told["finished"]:
            self._finish()
        elif request is None:
            self._trainer.drop()
            self._request = None
        elif request["name"] != self._request:
            self._take(request)

    def _enter(self, federation: str) -> None:
        fields = self._ask("terms", {}).fields
        self._federation, self._terms, self._request, self._owed = federation, fields["waits"], None, None
        site = {"name": self._site, "runs": self._own.runs, "labels": self._own.labels}
        self._refused = self._refusal(fields["settings"])
        if self._refused is not None:
            self._say(f"federation {federation}: {self._refused.own}")
            return
        folder = str(self._site_config.parent.resolve())
        self._order = {"terms": fields["settings"], "site": site, "folder": folder}
        self._say(f"federation {federation}: reading this site's frames")
        self._trainer.load(self._order, gpu=self._own.limits.gpu)

    def _refusal(self, settings: Mapping[str, Any]) -> Failure | None:
        """Return why this site takes no part in a federation with such settings, or None."""
        anywhere = {"name": self._site, "runs": ["-"], "labels": "-"}
        try:
            self._caps.check_terms(Federation.model_validate({**settings, "sites": [anywhere]}))
        except FederationError as error:
            return Failure(str(error), str(error))
        except ValueError as error:
            return Failure("the site cannot read the settings; all must run the same version", str(error))
        return None

    def _take(self, request: Mapping[str, Any]) -> None:
        if self._refused is None and not self._trainer.alive and self._trainer.refused is None:
            self._trainer.load(self._order, gpu=self._own.limits.gpu)
        refused = self._refused or self._trainer.refused
        if refused is None and self._trainer.samples is None:
            return  # still reading; it wakes us
        if refused is not None:
            self._trainer.refused = None  # mended files may be read at the next try
            self._trainer.close()
            self._owe_failure(request["name"], refused)
            self._request = request["name"]
            return
        self._trainer.drop()
        model = self._fetch("model", {"request": request["name"]})
        if is_large(model):
            self.wake()  # tell at once that it is here
        try:
            self._caps.take_round()
        except FederationError as error:
            self._owe_failure(request["name"], Failure(str(error), str(error)))
        else:
            self._say(f"training on version {request['version']}, epochs: {request['epochs']}")
            self._trainer.train(dict(request), model, self._terms["training"])
        self._request = request["name"]

    def _report(self) -> None:
        """Send the server the outcome of the request, until it has it."""
        if self._owed is None and self._request is not None:
            if self._trainer.update is not None:
                self._owed = ("update", self._trainer.update.read_bytes())
            elif self._trainer.failure is not None:
                self._owe_failure(self._request, self._trainer.failure)
        if self._owed is None:
            return
        topic, payload = self._owed
        if is_large(payload):
            self._ask("contact", {"life": self._life, "sending": True})
        answer = decode_message(self._sent(topic, payload, self._terms["answer"]))
        self._owed, self._trainer.update, self._trainer.failure = None, None, None
        taken = _checked(topic, answer).fields["taken"]  # refused or not, it has been heard: that is all
        if topic == "update":
            self._say(f"update of {len(payload)} bytes sent" + ("" if taken else "; nobody waits for it"))

    def _owe_failure(self, request: str, why: Failure) -> None:
        self._say(f"failed: {why.own}")
        self._owed = ("failed", encode_message(Message({"request": request, "reason": why.told})))
        self.wake()

    def _finish(self) -> None:
        out = self._folder / "models" / f"{self._federation}.onnx"
        if self._trainer.final is not None:
            self._say(f"federation over: {out}: {self._trainer.final}")
            self._trainer.final, self._request = None, "over"
            self._trainer.close()
        elif self._request not in ("over", "final") and not out.exists() and self._refused is None:
            if self._trainer.alive and self._trainer.samples is not None:
                self._trainer.drop()
                self._trainer.finish(self._fetch("final", {}), out)
                self._request = "final"
            elif not self._trainer.alive and self._trainer.refused is None:
                self._trainer.load(self._order, gpu=self._own.limits.gpu)

    # The way to the server

    def _ask(self, topic: str, fields: Mapping[str, Any], patience: float | None = None) -> Message:
        return self._answered(topic, encode_message(Message(fields)), patience)

    def _answered(self, topic: str, payload: bytes, patience: float | None = None) -> Message:
        return _checked(topic, decode_message(self._sent(topic, payload, patience)))

    def _fetch(self, topic: str, fields: Mapping[str, Any]) -> memoryview:
        answer = self._sent(topic, encode_message(Message(fields)), None)
        _checked(topic, decode_message(answer))
        return answer

    def _sent(self, topic: str, payload: bytes, patience: float | None) -> memoryview:
        if self._link is None:
            raise NoAnswerError("there is no way to the server yet")
        return self._link.ask(topic, payload, patience or self._terms.get("answer", ANSWER))

    def _note_silence(self, why: str) -> None:
        if self._silent_since is None:
            self._silent_since = time.monotonic()
            self._say(f"no answer from the server ({why}); trying again until there is one")

    def _note_speech(self) -> None:
        if self._silent_since is not None:
            self._say(f"the server answers again, after {time.monotonic() - self._silent_since:.0f} s")
            self._silent_since = None


def _checked(topic: str, answer: Message) -> Message:
    if "error" in answer.fields:
        raise FederationError(str(answer.fields["error"]))
    if topic != "contact" and answer.fields.get("federation", "") is None:  # gone since the last contact
        raise FederationError("there is no federation for this site now")
    return answer
