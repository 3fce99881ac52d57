"""The label journal: a file of JSON lines that only grows, shared by tabs, people and processes.

An entry is on the disk before ``append`` returns. A process that is killed leaves at most a part of its last line,
which was never confirmed: the next writer ends that line, and readers skip it with a warning.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fedbragg.review.labels.entry import Entry

MOST_WARNINGS = 20
"""Most damaged lines that are listed one by one."""


class Journal:
    """Reads new entries from the file, and appends to it; use it in one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []  # damaged lines, each in one line
        self._read = 0  # bytes
        self._lines = 0

    def news(self) -> list[Entry]:
        """Return the entries since the last call; a last line without its end is left for later. Raises OSError."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                return self._parsed(file.read())
        except (FileNotFoundError, NotADirectoryError):
            return []

    @contextmanager
    def writing(self) -> Iterator[JournalWriter]:
        """Keep other writers out, so that ``news`` returns the latest entries inside. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o664)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # the system ends it with the process
            yield JournalWriter(descriptor)
        finally:
            os.close(descriptor)

    def unfinished(self) -> bool:
        """Return whether the file ends with a part of a line."""
        return self.path.is_file() and self.path.stat().st_size > self._read

    def _parsed(self, content: bytes) -> list[Entry]:
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        entries = []
        for line in whole.splitlines():
            self._lines += 1
            try:
                entries.append(Entry.from_line(line.decode("utf-8")))
            except (ValueError, TypeError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
                self._warn()
        return entries

    def _warn(self) -> None:
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(
                f"{self.path} line {self._lines}: damaged, so it is ignored. It was cut off while it was written."
            )


class JournalWriter:
    """Appends to the open, locked file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries to the disk, all or none. Raises OSError."""
        size = os.fstat(self._descriptor).st_size
        start = b"" if self._ends_a_line(size) else b"\n"
        content = start + "".join(entry.to_line() for entry in entries).encode("utf-8")
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, size)  # a full disk takes a part of a line
            raise

    def _ends_a_line(self, size: int) -> bool:
        return size == 0 or os.pread(self._descriptor, 1, size - 1) == b"\n"
