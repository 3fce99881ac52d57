"""Check what a site has written down of its messages, by itself and against what its server has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbragg.federation.engines.remote.audit_log import START, chained, parted

Entry = dict[str, Any]
Key = tuple[str, str]
"""Topic and SHA-256 of a message."""


@dataclass(frozen=True, slots=True)
class AuditFile:
    """The lines of one file, and where its chain of hashes is broken."""

    entries: Sequence[Entry]
    problems: Sequence[str]


def read_audit(path: Path) -> AuditFile:
    """Read a file of AuditLog; raise OSError where it cannot be opened."""
    entries, problems, chain = [], [], START
    lines = path.read_bytes().split(b"\n")
    if lines.pop():
        problems.append(f"{path}: the last line is not whole")
    for number, line in enumerate(lines, start=1):
        try:
            shown, content = parted(line)
            entry = json.loads(line)
            entries.append(
                {**entry, "topic": str(entry["topic"]), "sha256": str(entry["sha256"]), "line": number}
            )
        except (ValueError, TypeError, KeyError):
            problems.append(f"{path}: line {number} cannot be read")
            continue
        if shown != chained(chain, content):
            problems.append(f"{path}: line {number} or the one before it was changed, removed or inserted")
        chain = shown
    return AuditFile(entries, problems)


def compare(site: Iterable[Entry], server: Iterable[Entry], name: str) -> list[str]:
    """Return where a site's messages differ from those that the server has received in its ``name``."""
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
