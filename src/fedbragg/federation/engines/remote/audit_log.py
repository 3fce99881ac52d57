"""Records of the messages that left a site, or that its server received: append-only JSON lines in a chain of hashes.

A line begins with a hash of all lines before it and of itself, so one that is changed, removed or inserted breaks the
chain; lines cut off at the end are found by comparing the site's file with the server's. A message that repeats the
last one of its topic (a poll, a message sent again) is written once.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fedbragg.errors import FederationError, NoAnswerError
from fedbragg.federation.engines.remote.connection import Link
from fedbragg.federation.engines.remote.protocol import split_message

SENT, RECEIVED = "sent.jsonl", "received.jsonl"
START = "0" * 64
"""The chain's hash before the first line."""
HEAD, TAIL = b'{"chain": "', b'", '
"""Around the chain's hash at the beginning of a line."""
NOTHING: Mapping[str, Any] = MappingProxyType({})


class AuditLog:
    """One file of lines; any thread may append."""

    def __init__(self, path: Path) -> None:
        """Continue the file at ``path``, if there is one."""
        self._path = path
        self._lock = threading.Lock()
        self._chain = _last_chain(path)
        self._newest: dict[tuple[str, str], str] = {}  # by site and topic, the hash of the last message

    def message(
        self, site: str, topic: str, payload: bytes | memoryview, known: Mapping[str, Any] = NOTHING
    ) -> None:
        """Append a message of a site, unless it repeats the last one of its topic.

        ``known`` holds further fields that the writer knows: the version of the model that the site trained on last,
        and the epsilon that its trainings have cost so far.
        """
        digest = hashlib.sha256(payload).hexdigest()
        with self._lock:
            if self._newest.get((site, topic)) == digest:
                return
            self._newest[site, topic] = digest
            self._append({"site": site, "topic": topic, **known, **described(payload), "sha256": digest})

    def no_answer(self, site: str, topic: str, payload: bytes) -> None:
        """Append that a message was not answered: the server may have received it or not."""
        digest = hashlib.sha256(payload).hexdigest()
        with self._lock:
            self._append({"site": site, "topic": topic, "sha256": digest, "answered": False})

    def _append(self, entry: Mapping[str, Any]) -> None:
        content = json.dumps({"time": round(time.time(), 3), **entry}).encode()[1:]
        self._chain = chained(self._chain, content)
        line = HEAD + self._chain.encode() + TAIL + content
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line + b"\n")  # one call, so that no line is written in part
        finally:
            os.close(file)


class AuditedLink:
    """A link to the server that records each message before sending it."""

    def __init__(
        self, link: Link, site: str, log: AuditLog, known: Callable[[], Mapping[str, Any]] = dict
    ) -> None:
        """Record in ``log`` the messages over ``link``, with the fields of ``known`` (see AuditLog.message)."""
        self._link, self._site, self._log, self._known = link, site, log, known

    def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
        """Return the server's answer, or raise NoAnswerError after ``timeout`` seconds without progress."""
        self._log.message(self._site, topic, payload, self._known())
        try:
            return self._link.ask(topic, payload, timeout)
        except NoAnswerError:
            self._log.no_answer(self._site, topic, payload)
            raise


def described(payload: bytes | memoryview) -> dict[str, Any]:
    """Return a message's bytes, the names of its fields and the number of its tensors; not their values."""
    view = memoryview(payload).cast("B")
    try:
        fields, body = split_message(view, "the site", "the server")
        length = int.from_bytes(body[:8], "little")
        tensors = len(json.loads(bytes(body[8 : 8 + length]))) if body else 0
    except (FederationError, ValueError):
        return {"bytes": len(view), "fields": None, "tensors": None}
    return {"bytes": len(view), "fields": sorted(fields), "tensors": tensors}


def chained(chain: str, content: bytes) -> str:
    """Return the chain's hash after a line with this content, which follows the hash."""
    return hashlib.sha256(chain.encode() + content).hexdigest()


def parted(line: bytes) -> tuple[str, bytes]:
    """Return the chain's hash and the content of a line; raise ValueError where it has none."""
    end = len(HEAD) + len(START)
    if not (line.startswith(HEAD) and line[end:].startswith(TAIL)):
        raise ValueError("no line of an audit log")
    return line[len(HEAD) : end].decode("ascii"), line[end + len(TAIL) :]


def _last_chain(path: Path) -> str:
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    try:
        return parted(lines[-2])[0]
    except (IndexError, ValueError):  # a new file, or one that the audit will find damaged
        return START
