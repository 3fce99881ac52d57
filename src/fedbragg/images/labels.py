"""Labels of frames by experts: the table ``path,frame,label``, and the annotation files of CXIDB entry 76."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fedbragg.errors import LabelError
from fedbragg.types import Label

COLUMNS = ("path", "frame", "label")
ANNOTATION = re.compile(r"(\S+)\s+\[(\d+)\]\s+(\w+)\s*")


@dataclass(frozen=True, slots=True)
class LabelTable:
    """Labels by absolute path and frame index from 0, or by path alone for all frames of a file."""

    frames: Mapping[tuple[str, int], Label] = field(default_factory=dict)
    files: Mapping[str, Label] = field(default_factory=dict)
    crystals: Mapping[tuple[str, int | None], str] = field(
        default_factory=dict
    )  # the run or crystal of each, where known

    def label(self, path: str | Path, frame: int) -> Label | None:
        """Return a frame's own label, else its file's, else None."""
        absolute = _absolute(path, Path())
        return self.frames.get((absolute, frame)) or self.files.get(absolute)

    def crystal(self, path: str | Path, frame: int) -> str | None:
        """Return the run or crystal that a frame shows, None if the table names none."""
        absolute = _absolute(path, Path())
        return self.crystals.get((absolute, frame)) or self.crystals.get((absolute, None))

    @property
    def paths(self) -> set[str]:
        """Return the files that the table names."""
        return {*self.files, *(path for path, _ in self.frames)}

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frames) + len(self.files)


def read_labels(path: str | Path) -> LabelTable:
    """Read a table with the columns ``path,frame,label`` or ``path,label``.

    Relative paths start at the table's folder. An empty frame means all frames of the file. A column ``crystal``
    names the run or crystal that a frame shows, for private training. Raises LabelError, which names the line.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            return _table(_rows(csv.DictReader(file), str(path)), Path(path))
    except FileNotFoundError:
        raise LabelError(f"{path}: no such file. Give the path of a table path,frame,label.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path}: cannot be read ({error}). Save it as CSV in UTF-8.") from None


def write_labels(path: str | Path, rows: Iterable[tuple[str, int | None, Label]]) -> int:
    """Write rows (path, frame or None for all frames, label) for read_labels; return their number."""
    written = 0
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for image, frame, label in rows:
            writer.writerow([image, "" if frame is None else frame, label.value])
            written += 1
    return written


def read_cxidb_annotation(path: str | Path, image_folder: str | Path | None = None) -> LabelTable:
    """Read an expert_annotation.txt of CXIDB entry 76: lines ``r0027_2000.h5 [1] MISS``, frames counted from 1.

    The images are looked for in ``image_folder``, by default the annotation's own. Raises LabelError.
    """
    folder = Path(path).parent if image_folder is None else Path(image_folder)
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(
            f"{path}: cannot be read ({error}). Give an expert_annotation.txt of CXIDB entry 76."
        ) from None
    rows = [
        _annotation(line, f"{path} line {number}") for number, line in enumerate(lines, 1) if line.strip()
    ]
    return _table(rows, folder / "annotation")


@dataclass(frozen=True, slots=True)
class _Row:
    where: str  # file and line, for an error
    path: str
    frame: int | None  # None for all frames of the file
    label: Label
    crystal: str = ""


def _annotation(line: str, where: str) -> _Row:
    found = ANNOTATION.fullmatch(line)
    if not found or int(found.group(2)) < 1:
        raise LabelError(f"{where}: {line[:60]!r} is not an annotation. Expected: r0027_2000.h5 [1] HIT.")
    return _Row(where, found.group(1), int(found.group(2)) - 1, _label(found.group(3), where))


def _rows(reader: csv.DictReader[str], path: str) -> Iterator[_Row]:
    columns = [name.strip() for name in reader.fieldnames or []]
    if not {"path", "label"} <= set(columns):
        raise LabelError(
            f"{path}: columns {','.join(columns) or 'none'}; the first line must be path,frame,label."
        )
    reader.fieldnames = columns
    for row in reader:
        where = f"{path} line {reader.line_num}"
        if not row["path"] or row["label"] is None:
            raise LabelError(f"{where}: path or label is missing. Give both.")
        frame, label = _frame(row.get("frame"), where), _label(row["label"], where)
        yield _Row(where, row["path"].strip(), frame, label, (row.get("crystal") or "").strip())


def _frame(text: str | None, where: str) -> int | None:
    if text is None or not text.strip():
        return None
    if not text.strip().isdecimal():
        raise LabelError(f"{where}: frame {text!r} is not a number. Count the frames of a file from 0.")
    return int(text)


def _label(text: str, where: str) -> Label:
    try:
        return Label(text.strip().lower())
    except ValueError:
        raise LabelError(f"{where}: unknown label {text!r}. Known labels: hit, maybe, miss.") from None


def _table(rows: Iterable[_Row], table: Path) -> LabelTable:
    frames: dict[tuple[str, int], Label] = {}
    files: dict[str, Label] = {}
    crystals: dict[tuple[str, int | None], str] = {}
    for row in rows:
        image = _absolute(row.path, table.parent)
        known = files.get(image) if row.frame is None else frames.get((image, row.frame))
        if known not in (None, row.label):
            raise LabelError(
                f"{row.where}: {row.path} is called {known} above and {row.label} here. Keep one."
            )
        if row.frame is None:
            files[image] = row.label
        else:
            frames[image, row.frame] = row.label
        if row.crystal:
            crystals[image, row.frame] = row.crystal
    return LabelTable(frames, files, crystals)


def _absolute(path: str | Path, folder: Path) -> str:
    return os.path.abspath(folder / path)  # noqa: PTH100  keeps links as the user wrote them
