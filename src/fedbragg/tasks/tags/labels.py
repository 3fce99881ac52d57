"""People's tags of scattering images: the table ``path,frame,TAG,TAG,...`` with 1, 0, or nothing for unknown."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import LabelError
from fedbragg.simulation.scattering.tag_names import UNKNOWN

Row = NDArray[np.float32]
VALUES = {"1": 1.0, "0": 0.0, "": float(UNKNOWN)}


@dataclass(frozen=True, slots=True)
class TagTable:
    """Tags by absolute path and frame index from 0, or by path alone, which holds for all its frames."""

    frames: Mapping[tuple[str, int], Row]  # each (tags,): 1, 0 or UNKNOWN
    files: Mapping[str, Row]

    def tags(self, path: str, frame: int) -> Row | None:
        """Return the tags of an image; None where it has none."""
        absolute = os.path.abspath(path)  # noqa: PTH100  keeps links as the user wrote them
        return self.frames.get((absolute, frame), self.files.get(absolute))

    @property
    def paths(self) -> set[str]:
        """Return the files that the table names."""
        return {*self.files, *(path for path, _ in self.frames)}


def read_tags(table: Path, names: Sequence[str]) -> TagTable:
    """Read a table of tags; a tag without a column is unknown, other columns are ignored.

    Relative paths start at the table's folder; an empty frame, or no such column, means all frames of a file.
    Raises LabelError, naming the line, where the table cannot be used.
    """
    rows = _rows(table)
    _check_columns(table, rows[0], names)
    frames: dict[tuple[str, int], Row] = {}
    files: dict[str, Row] = {}
    for line, row in enumerate(rows, start=2):
        where = f"{table} line {line}"
        path, frame, tags = _path(where, table, row), _frame(where, row), _tags(where, row, names)
        known = files.setdefault(path, tags) if frame is None else frames.setdefault((path, frame), tags)
        if known is not tags:
            raise LabelError(f"{where}: the same image stands above. Keep one row.")
    return TagTable(frames, files)


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise LabelError(
            f"{table}: cannot be read ({reason}). Give a table path,frame,TAG,... in UTF-8."
        ) from None
    if not rows:
        raise LabelError(f"{table}: has no row. Give a table path,frame,TAG,... with 1 and 0.")
    return rows


def _check_columns(table: Path, row: Mapping[str, str], names: Sequence[str]) -> None:
    if "path" not in row:
        raise LabelError(f"{table}: no column 'path'. Give a table path,frame,TAG,... with 1 and 0.")
    if not set(names) & set(row):
        raise LabelError(f"{table}: no column is a tag. Known tags: {', '.join(names)}.")


def _path(where: str, table: Path, row: Mapping[str, str | None]) -> str:
    text = (row["path"] or "").strip()
    if not text:
        raise LabelError(f"{where}: names no image. Give its path in the column path.")
    return os.path.abspath(table.parent / text)  # noqa: PTH100  keeps links as the user wrote them


def _frame(where: str, row: Mapping[str, str | None]) -> int | None:
    text = (row.get("frame") or "").strip()
    if not text:
        return None
    if not text.isdecimal():
        raise LabelError(f"{where}: frame {text!r} is not a number. Count the frames of a file from 0.")
    return int(text)


def _tags(where: str, row: Mapping[str, str | None], names: Sequence[str]) -> Row:
    words = [(row.get(name) or "").strip() for name in names]
    for name, word in zip(names, words, strict=True):
        if word not in VALUES:
            raise LabelError(f"{where}: {name} is {word!r}. Give 1, 0, or nothing where it is not known.")
    return np.array([VALUES[word] for word in words], np.float32)
