"""The labels of several people: given, taken back, counted, and exported as the table that training reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Protocol

from fedbragg.metrics.agreement import cohens_kappa
from fedbragg.review.labels.current_labels import CurrentLabels, agreed, disagree
from fedbragg.review.labels.entry import Answer, Entry, FrameKey
from fedbragg.review.labels.journal import Journal, JournalWriter
from fedbragg.review.labels.label_table import entries_from_before, write_table
from fedbragg.types import Label


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two people agree on the frames that both have labelled."""

    first: str
    second: str
    frames: int
    kappa: float | None  # Cohen's; None where chance alone gives full agreement


@dataclass(frozen=True, slots=True)
class Taken:
    """An entry that is on the disk."""

    entry: Entry
    warning: str = ""  # why the table could not be written after it


class TableForm(Protocol):
    """The columns of the table beside a journal."""

    @property
    def answers(self) -> type:
        """Return the type of its answers; the journal's others are of another task and do not count."""
        ...

    def before(self, table: Path, current: CurrentLabels, time: str) -> list[Entry]:
        """Return a table's labels that the journal lacks; raise LabelError if they would be lost."""
        ...

    def write(self, table: Path, current: CurrentLabels) -> None:
        """Write the table in one step. Raises OSError."""
        ...


class HitTable:
    """The table path,frame,label."""

    answers = Label

    def before(self, table: Path, current: CurrentLabels, time: str) -> list[Entry]:
        """Return the labels of a table as entries of one person."""
        return entries_from_before(table, current, time)

    def write(self, table: Path, current: CurrentLabels) -> None:
        """Write the label of every frame."""
        write_table(table, current)


class LabelStore:
    """The labels beside a table; safe to call from several threads, and with other processes at the same files."""

    def __init__(self, table: Path, form: TableForm | None = None) -> None:
        """Name the table without opening it; ``form`` is its form, path,frame,label by default."""
        self.table, self._form = table, form or HitTable()
        self.journal = Journal(journal_of(table))
        self._current = CurrentLabels()
        self._lock = threading.Lock()

    def open(self, time: str) -> None:
        """Read the journal, and take in the labels that the table held before. Raises LabelError, OSError."""
        with self._lock:
            self._read()
            before = self._form.before(self.table, self._current, time)
            if before:
                with self.journal.writing() as writer:
                    writer.append(before)
                self._read()

    def give(self, entry: Entry) -> Taken:
        """Write a label to the disk. Raises OSError, and then the label does not count."""
        with self._lock, self.journal.writing() as writer:
            self._read()
            return self._append(writer, entry)

    def take_back(
        self, person: str, time: str, among: Callable[[FrameKey], bool] = lambda key: True
    ) -> Taken | None:
        """Take back the person's latest label of the frames for which ``among`` holds; None where there is none.

        Raises OSError.
        """
        with self._lock, self.journal.writing() as writer:
            self._read()
            last = self._current.last(person, among)
            return None if last is None else self._append(writer, Entry(*last, None, person, time))

    def label(self, key: FrameKey, person: str) -> Answer | None:
        """Return a person's label of a frame."""
        with self._lock:
            return self._current.label(key, person)

    def labels(self, key: FrameKey) -> dict[str, Answer]:
        """Return all people's labels of a frame."""
        with self._lock:
            return self._current.labels(key)

    def refresh(self) -> None:
        """Read the entries of other processes. Raises OSError."""
        with self._lock:
            self._read()

    def frames(self) -> list[FrameKey]:
        """Return the frames that have a label."""
        with self._lock:
            return list(self._current.frames())

    def agreed(self) -> dict[FrameKey, Label]:
        """Return the one label of each labelled frame, as the table has it."""
        with self._lock:
            return {key: agreed(self._current.labels(key).values()) for key in self._current.frames()}

    def disagreements(self) -> set[FrameKey]:
        """Return the frames to which people gave different labels."""
        with self._lock:
            current = self._current
            return {key for key in current.frames() if disagree(current.labels(key).values())}

    def agreements(self) -> list[Agreement]:
        """Return the agreement of every two people who have labelled a common frame."""
        with self._lock:
            people = self._current.people()
            given = [self._current.labels(key) for key in self._current.frames()]
        return [found for pair in combinations(people, 2) if (found := _agreement(*pair, given)).frames]

    def _append(self, writer: JournalWriter, entry: Entry) -> Taken:
        """Append an entry, and write the table while other processes still wait."""
        writer.append([entry])
        self._read()
        return Taken(entry, self._export())

    def _read(self) -> None:
        for entry in self.journal.news():
            if entry.label is None or isinstance(entry.label, self._form.answers):
                self._current.add(entry)

    def _export(self) -> str:
        try:
            self._form.write(self.table, self._current)
        except (OSError, UnicodeEncodeError) as error:
            return f"The label is safe in {self.journal.path.name}, but {self.table} cannot be written ({error})."
        return ""


def journal_of(table: Path) -> Path:
    """Return the journal that belongs to a table."""
    return table.with_suffix(".jsonl")


def _agreement(first: str, second: str, given: Sequence[dict[str, Answer]]) -> Agreement:
    both = [(labels[first], labels[second]) for labels in given if first in labels and second in labels]
    kappa = cohens_kappa([one for one, _ in both], [other for _, other in both])
    return Agreement(first, second, len(both), kappa)
