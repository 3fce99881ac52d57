"""The table of ticked answers beside the journal: path, frame where the task has one, and 1 or 0 for each answer."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from fedbragg.errors import LabelError
from fedbragg.files import written_whole
from fedbragg.images.sorting import natural_key
from fedbragg.review.labels.current_labels import CurrentLabels
from fedbragg.review.labels.entry import Answer, Entry


class TickTable:
    """The table ``path,frame,ANSWER,...`` or ``path,ANSWER,...`` that the task reads."""

    answers = tuple

    def __init__(self, columns: Sequence[str], names: Sequence[str]) -> None:
        """Describe a table with ``columns`` before the ``names`` of the answers."""
        self._columns, self._names = columns, names

    def before(self, table: Path, current: CurrentLabels, time: str) -> list[Entry]:
        """Return nothing; raise LabelError for an existing table without a journal, which would be lost."""
        if table.exists() and not any(True for _ in current.frames()) and table.stat().st_size:
            raise LabelError(
                f"{table}: the page did not write it, and would replace it. Give another --labels."
            )
        return []

    def write(self, table: Path, current: CurrentLabels) -> None:
        """Write the majority's verdict on each answer, empty where people are split evenly. Raises OSError."""
        keys = sorted(current.frames(), key=lambda key: (natural_key(key[0]), key[1] or 0))
        with (
            written_whole(table, durable=True) as fresh,
            fresh.open("w", encoding="utf-8", newline="") as file,
        ):
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow((*self._columns, *self._names))
            for key in keys:
                given = list(current.labels(key).values())
                rows.writerow((*key[: len(self._columns)], *(_agreed(name, given) for name in self._names)))


def _agreed(name: str, given: Sequence[Answer]) -> str:
    ticked = sum(name in answer for answer in given)
    if 2 * ticked == len(given):
        return ""
    return "1" if 2 * ticked > len(given) else "0"
