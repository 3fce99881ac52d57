"""A table of labels for calibration: one row a frame, each about a frame that exists, with an optional group."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fedbragg.errors import LabelError
from fedbragg.images import LabelTable, read_labels

GROUP = "group"
Row = tuple[str, int | None]
"""Absolute path, and frame or None for all frames of the file."""


@dataclass(frozen=True, slots=True)
class GroupedLabels:
    """Labels, and the group that the table gives for each row."""

    path: str  # of the table
    table: LabelTable
    groups: Mapping[Row, str]  # empty where the table has no such column

    def group(self, path: str, frame: int) -> str:
        """Return the group of a frame."""
        absolute = _absolute(path)
        return self.groups.get((absolute, frame)) or self.groups[absolute, None]


def read_grouped_labels(path: Path) -> GroupedLabels:
    """Read ``path,frame,label`` with an optional column ``group``; raise LabelError where two rows are one frame."""
    table = read_labels(path)  # reports every other mistake with its line
    groups: dict[Row, str] = {}
    lines: dict[Row, int] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
        for record in reader:
            row = _row(record, path.parent)
            if row in lines:
                where = f"{path} line {reader.line_num}: {_named(row)}"
                raise LabelError(
                    f"{where} has a label on line {lines[row]} already. Keep one of the two rows."
                )
            lines[row] = reader.line_num
            if group := (record.get(GROUP) or "").strip():
                groups[row] = group
    return GroupedLabels(str(path), table, groups)


def check_files(labels: GroupedLabels, files: list[str]) -> None:
    """Raise LabelError where the table names a file that is not among those given."""
    given = {_absolute(file) for file in files}
    missing = sorted({*labels.table.files, *(path for path, _ in labels.table.frames)} - given)
    if missing:
        raise LabelError(
            f"{labels.path}: labels {len(missing)} files that no PATH gives, first {missing[0]}. Give them too, or "
            "remove their rows: frames left out by mistake would bias the threshold."
        )


def check_frames(labels: GroupedLabels, found: set[tuple[str, int]]) -> None:
    """Raise LabelError where the table names a frame that its file does not hold; ``found`` by path and frame."""
    absent = sorted(set(labels.table.frames) - {(_absolute(path), frame) for path, frame in found})
    if absent:
        raise LabelError(
            f"{labels.path}: labels {len(absent)} frames that are not there, first {_named(absent[0])}. Frames count "
            "from 0 in each file; correct the rows or remove them."
        )


def _row(record: dict[str, str], folder: Path) -> Row:
    frame = (record.get("frame") or "").strip()
    return os.path.abspath(folder / record["path"].strip()), int(frame) if frame else None  # noqa: PTH100


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100  as in read_labels: symbolic links are not resolved


def _named(row: tuple[str, int | None]) -> str:
    path, frame = row
    return path if frame is None else f"{path} frame {frame}"
