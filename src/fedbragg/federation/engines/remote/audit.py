"""Check a site's record of its messages, by itself and against its server's record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fedbragg.federation.engines.remote.audit_log import START, chained, parted

Entry = dict[str, Any]
Key = tuple[str, str]
"""Topic and SHA-256 of a message."""


@dataclass(frozen=True, slots=True)
class AuditFile:
    """The lines of one file, and the places where its chain of hashes is broken."""

    entries: Sequence[Entry]
    problems: Sequence[str]


def read_audit(path: Path) -> AuditFile:
    """Read a file of AuditLog; raise OSError where it cannot be opened."""
    growing = GrowingAudit(path)
    found = growing.read()
    return replace(found, problems=[*found.problems, *growing.unfinished()])


class GrowingAudit:
    """A file of AuditLog that is read while it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read, self._lines, self._chain = 0, 0, START  # bytes and lines so far, and their chain

    def read(self) -> AuditFile:
        """Return the complete lines added since the last call; raise OSError where it cannot be opened."""
        if self._path.stat().st_size < self._read:
            return AuditFile([], [f"{self._path}: lines were removed while it was read"])
        with self._path.open("rb") as file:
            file.seek(self._read)
            *lines, _ = file.read().split(b"\n")
        entries: list[Entry] = []
        problems: list[str] = []
        for line in lines:
            self._read, self._lines = self._read + len(line) + 1, self._lines + 1
            self._check(line, entries, problems)
        return AuditFile(entries, problems)

    def unfinished(self) -> list[str]:
        """Return a problem where the last line is incomplete; empty otherwise."""
        size = self._path.stat().st_size
        return [] if size == self._read else [f"{self._path}: the last line is not whole"]

    def _check(self, line: bytes, entries: list[Entry], problems: list[str]) -> None:
        """Add the entry of a line, or what is wrong with it."""
        where = f"{self._path}: line {self._lines}"
        try:
            shown, content = parted(line)
            entry = json.loads(line)
            topic, sha256 = str(entry["topic"]), str(entry["sha256"])
        except (ValueError, TypeError, KeyError):
            problems.append(f"{where} cannot be read")
            return
        entries.append({**entry, "topic": topic, "sha256": sha256, "line": self._lines})
        if shown != chained(self._chain, content):
            problems.append(f"{where} or the one before it was changed, removed or inserted")
        self._chain = shown


def compare(site: Iterable[Entry], server: Iterable[Entry], name: str) -> list[str]:
    """Return the differences between a site's messages and those that the server received under its ``name``."""
    lines = list(site)
    sent = {_key(entry): entry for entry in lines if _is_message(entry)}
    unanswered = {_key(entry) for entry in lines if not _is_message(entry)}
    received = {_key(entry): entry for entry in server if entry.get("site") == name and _is_message(entry)}
    lost = [entry for key, entry in sent.items() if key not in received and key not in unanswered]
    unknown = [entry for key, entry in received.items() if key not in sent]
    return [
        *(f"{_said(entry)} left the site, and the server's record lacks it" for entry in lost),
        *(f"{_said(entry)} reached the server, and the site's record lacks it" for entry in unknown),
    ]


def totals(entries: Iterable[Entry]) -> dict[str, tuple[int, int]]:
    """Return the number of messages and their bytes, by topic."""
    found: dict[str, tuple[int, int]] = {}
    for entry in entries:
        if _is_message(entry):
            count, size = found.get(entry["topic"], (0, 0))
            found[entry["topic"]] = count + 1, size + int(entry.get("bytes", 0))
    return found


def _key(entry: Entry) -> Key:
    return entry["topic"], entry["sha256"]


def _is_message(entry: Entry) -> bool:
    return entry.get("answered", True) is True


def _said(entry: Entry) -> str:
    digest, size = entry["sha256"][:12], entry.get("bytes")
    return f"message {entry['topic']!r} of {size} bytes (line {entry['line']}, sha256 {digest}...)"
