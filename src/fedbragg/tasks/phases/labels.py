"""Find pattern files, and read their labels from a table ``path,PHASE,PHASE,...``."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from glob import glob
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import LabelError
from fedbragg.images.sorting import natural_key
from fedbragg.tasks.phases.files.pattern import SUFFIXES


def pattern_files(folder: Path, paths: Sequence[str]) -> list[Path]:
    """Return the pattern files of files, folders and globs, each in natural order and only once."""
    return list(dict.fromkeys(file for path in paths for file in _files(folder / path)))


def labelled_files(
    files: Sequence[Path], table: Path, names: Sequence[str]
) -> tuple[list[Path], NDArray[np.float64]]:
    """Return the files that have labels, in their order, and the labels (files, phases).

    A label is 1, 0, or -1 for unknown. Raises LabelError if no file has one.
    """
    labels = read_phase_labels(table, names)
    chosen = [file for file in files if file.resolve() in labels]
    if not chosen:
        raise LabelError(
            f"{table}: none of the {len(files)} patterns has a label. Paths in the table start at its folder."
        )
    return chosen, np.array([labels[file.resolve()] for file in chosen])


def read_phase_labels(table: Path, names: Sequence[str]) -> dict[Path, list[float]]:
    """Read a table with a column path and a column for each phase: 1, 0 or empty (unknown)."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{table}: cannot be read ({error}). Give a table path,{','.join(names)}.") from None
    missing = [name for name in ("path", *names) if not rows or name not in rows[0]]
    if missing:
        raise LabelError(
            f"{table}: no column {missing[0]!r}. Give a table path,{','.join(names)} with 1 and 0."
        )
    labels: dict[Path, list[float]] = {}
    for line, row in enumerate(rows, start=2):
        path = _pattern_path(table, line, row["path"])
        values = [_label(table, line, row[name]) for name in names]
        if labels.setdefault(path, values) != values:
            raise LabelError(f"{table} line {line}: {path.name} has other labels above. Keep one row.")
    return labels


def _pattern_path(table: Path, line: int, text: str | None) -> Path:
    if not text or not text.strip():
        raise LabelError(f"{table} line {line}: the column path is empty. Give the pattern's path.")
    return (table.parent / text.strip()).resolve()


def _label(table: Path, line: int, text: str | None) -> float:
    known = {"1": 1.0, "0": 0.0, "": -1.0}
    word = (text or "").strip()
    if word not in known:
        raise LabelError(f"{table} line {line}: {word!r} is not a label. Give 1, 0, or nothing if unknown.")
    return known[word]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = [file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES]
    else:
        named = [str(path)] if path.is_file() else glob(str(path), recursive=True)  # noqa: PTH207  may be absolute
        found = [Path(name) for name in named]
    return sorted(found, key=lambda file: natural_key(str(file)))
