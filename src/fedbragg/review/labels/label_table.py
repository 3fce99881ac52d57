"""The table ``path,frame,label`` beside the journal: written after every label, read once at the start."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from fedbragg.errors import LabelError
from fedbragg.files import written_whole
from fedbragg.images.labels import COLUMNS, read_labels, write_labels
from fedbragg.images.sorting import natural_key
from fedbragg.review.labels.current_labels import CurrentLabels, agreed
from fedbragg.review.labels.entry import Entry, FrameKey
from fedbragg.types import Label

TABLE_PERSON = "labels from before"
"""The person of the labels that a table held before the page was used."""


def name_of(path: str, folder: Path) -> str:
    """Return an image file as table and journal name it: below their folder relative to it, else absolute."""
    absolute = os.path.abspath(path)  # noqa: PTH100  keeps links as the user wrote them
    home = os.path.abspath(folder)  # noqa: PTH100
    below = os.path.commonpath([absolute, home]) == home
    return os.path.relpath(absolute, home) if below else absolute


def write_table(table: Path, current: CurrentLabels) -> None:
    """Write the label of every frame, in one step. Raises OSError."""
    with written_whole(table, durable=True) as fresh:
        write_labels(fresh, table_rows(current))


def table_rows(current: CurrentLabels) -> list[tuple[str, int | None, Label]]:
    """Return path, frame and agreed label of every labelled frame, in natural order."""
    keys = sorted(current.frames(), key=_order)
    return [(path, frame, agreed(current.labels((path, frame)).values())) for path, frame in keys]


def _order(key: FrameKey) -> tuple[object, int]:
    return natural_key(key[0]), -1 if key[1] is None else key[1]


def entries_from_before(table: Path, current: CurrentLabels, time: str) -> list[Entry]:
    """Return the labels of a table that the journal lacks, as entries of one person.

    Raises LabelError for a table that cannot be read, or whose further columns would be lost.
    """
    if not table.exists():
        return []
    _check_columns(table)
    found = read_labels(table)
    rows: Sequence[tuple[str, int | None, Label]] = [
        *((path, None, label) for path, label in found.files.items()),
        *((path, frame, label) for (path, frame), label in found.frames.items()),
    ]
    named = [(name_of(path, table.parent), frame, label) for path, frame, label in rows]
    return [
        Entry(name, frame, label, TABLE_PERSON, time)
        for name, frame, label in named
        if not current.knows((name, frame))
    ]


def _check_columns(table: Path) -> None:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            columns = [name.strip() for name in next(csv.reader(file), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return  # read_labels reports the error
    further = [name for name in columns if name not in COLUMNS]
    if further:
        raise LabelError(
            f"{table}: the page would drop its column {further[0]!r}. Copy it, or give another --labels."
        )
