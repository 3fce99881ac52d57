"""A site's connection to the server: ask, and get an answer or an error."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from fedbragg.errors import FederationError, NoAnswerError, ReplacedError
from fedbragg.federation.engines.remote.protocol import Message, decode_message, encode_message, split_message

MESSAGE_TIMEOUT = 120.0
"""Seconds for one answer, until the server's settings are known."""
LEAVE_TIMEOUT = 2.0
"""Seconds that the last message of a client may take."""
SIDES = ("the server", "this site")


class Link(Protocol):
    """The network between a site and the server."""

    def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
        """Return the server's answer, or raise NoAnswerError after ``timeout`` seconds without progress."""
        ...


class ServerConnection:
    """Ask the server over a link.

    All methods raise NoAnswerError where the server does not answer, ProtocolMismatchError where it runs another
    version of the protocol.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self.timeout = MESSAGE_TIMEOUT  # seconds without progress, for one answer

    def ask(self, topic: str, fields: Mapping[str, Any], timeout: float | None = None) -> Mapping[str, Any]:
        """Return the fields of an answer; raise FederationError where the server reports an error."""
        return check_answer(topic, self.send(topic, encode_message(Message(fields)), timeout))

    def send(self, topic: str, payload: bytes, timeout: float | None = None) -> Mapping[str, Any]:
        """Send a message that is encoded already; return the fields of the answer, an error among them."""
        answer = self._link.ask(topic, payload, timeout or self.timeout)
        return decode_message(answer, *SIDES).fields

    def receive(self, topic: str, fields: Mapping[str, Any]) -> Message:
        """Return a whole message of the server; raise FederationError where it reports an error."""
        answer = self._link.ask(topic, encode_message(Message(fields)), self.timeout)
        message = decode_message(answer, *SIDES)
        check_answer(topic, message.fields)
        return message

    def fetch(self, topic: str, fields: Mapping[str, Any]) -> memoryview:
        """Return a model as a safetensors document; raise FederationError where the server reports an error."""
        answer = self._link.ask(topic, encode_message(Message(fields)), self.timeout)
        answered, model = split_message(answer, *SIDES)
        check_answer(topic, answered)
        return model

    def leave(self, client: str) -> str:
        """Tell the server that a client ends, so that no round waits for it; return the result in one line."""
        try:
            self.ask("leave", {"client": client}, LEAVE_TIMEOUT)
        except NoAnswerError:
            return "left; the server did not answer, and counts this site as gone after its site_timeout"
        except FederationError as error:
            return f"left; the server says: {error}"
        return "left the federation; the server knows"


def check_answer(topic: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer's fields; raise FederationError where they report an error or no federation.

    It is a ReplacedError where the server has another client of this site.
    """
    if fields.get("replaced"):
        raise ReplacedError(str(fields["error"]))
    if "error" in fields:
        raise FederationError(str(fields["error"]))
    if topic != "poll" and fields.get("federation", "") is None:  # it ended or restarted since the last poll
        raise FederationError("there is no federation for this site at the moment")
    return fields


class ConnectionLog:
    """Prints a line when the server stops answering, when it answers again, and when an error occurs."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._silent_since: float | None = None  # on the monotonic clock
        self._last_error = ""
        self._silence = ""

    @property
    def trouble(self) -> str:
        """Return the current problem in one line; empty if there is none."""
        return self._silence or self._last_error

    def silence(self, reason: str) -> None:
        """Note that the server did not answer."""
        if self._silent_since is None:
            self._silent_since = time.monotonic()
            self._silence = f"no answer from the server ({reason}); trying again until there is one"
            self._say(self._silence)

    def answer(self) -> None:
        """Note that the server answered."""
        if self._silent_since is not None:
            self._say(f"the server answers again, after {time.monotonic() - self._silent_since:.0f} s")
            self._silent_since, self._silence = None, ""

    def error(self, text: str) -> None:
        """Note an error; a repeated one is printed once."""
        if text != self._last_error:
            self._say(text)
        self._last_error = text

    def success(self) -> None:
        """Note a round without an error, so that the next error is printed."""
        self._last_error = ""
