"""What screening leaves behind as it goes: every verdict, CrystFEL's list of the kept frames, and their spots."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal, Protocol

from fedbragg.errors import InputError
from fedbragg.screening.outputs.crystfel import Events
from fedbragg.types import Verdict

COLUMNS = ("path", "frame", "score", "keep", "background", "reason")
SPOT_COLUMNS = ("path", "frame", "column", "row", "intensity", "significance")
DECIMALS = 6
"""Of a score in the table."""
VERDICTS = "verdicts.csv"
KEPT = "hits.lst"
SPOTS = "spots.csv"
HEADS = {VERDICTS: ",".join(COLUMNS) + "\n", KEPT: "", SPOTS: ",".join(SPOT_COLUMNS) + "\n"}


class Sink(Protocol):
    """Takes verdicts, one after the other."""

    def write(self, verdict: Verdict) -> None:
        """Add one verdict; it is on disk after the next flush."""
        ...

    def flush(self) -> dict[str, int]:
        """Hand everything to the operating system; return each file's name and size in bytes."""
        ...


class _Files:
    """Writes each verdict to every file before the next."""

    def __init__(self, folder: Path, names: Iterable[str], sizes: Mapping[str, int]) -> None:
        self._files = {name: _open(folder / name, HEADS[name], sizes.get(name)) for name in names}
        self._events = Events()
        self._rows = csv.writer(self._files[VERDICTS], lineterminator="\n")
        self._spots = csv.writer(self._files[SPOTS], lineterminator="\n") if SPOTS in self._files else None

    def write(self, verdict: Verdict) -> None:
        self._rows.writerow(_row(verdict))
        if verdict.keep:
            self._files[KEPT].write(self._events.name(verdict) + "\n")
        if verdict.keep and self._spots is not None:
            where = verdict.path, verdict.index
            self._spots.writerows(
                (*where, f"{s.column:.0f}", f"{s.row:.0f}", f"{s.intensity:.1f}", f"{s.significance:.2f}")
                for s in verdict.spots
            )

    def flush(self) -> dict[str, int]:
        for file in self._files.values():
            file.flush()
        return {name: os.fstat(file.fileno()).st_size for name, file in self._files.items()}

    def close(self) -> None:
        for file in self._files.values():
            with suppress(OSError):  # a full disk has been reported by then
                file.close()


@contextmanager
def verdict_files(
    folder: Path, *, spots: bool = False, sizes: Mapping[str, int] | None = None
) -> Iterator[Sink]:
    """Open ``verdicts.csv``, ``hits.lst`` and, with ``spots``, ``spots.csv`` in a folder, which is made.

    With ``sizes``, the files that are there are cut to these many bytes and go on from there. Raises InputError where
    they cannot be written.
    """
    names = (VERDICTS, KEPT, SPOTS) if spots else (VERDICTS, KEPT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = _Files(folder, names, sizes or {})
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}). Give another --out.") from None
    try:
        yield files
    finally:
        files.close()


def open_table(path: Path, mode: Literal["r", "w", "a"] = "r") -> IO[str]:
    """Open one of the files; paths of images that are no UTF-8 go in and come out as they are (PEP 383)."""
    return path.open(mode, encoding="utf-8", errors="surrogateescape", newline="")


def read_verdicts(table: Iterable[str]) -> Iterator[Verdict]:
    """Read the lines of a verdicts.csv back."""
    for row in csv.DictReader(table):
        yield Verdict(
            row["path"],
            int(row["frame"]),
            _number(row["score"]),
            row["keep"] == "true",
            row["reason"],
            _number(row["background"]),
        )


def verdicts_in(folder: Path) -> Iterator[Verdict]:
    """Read the verdicts.csv of a folder back."""
    with open_table(folder / VERDICTS) as table:
        yield from read_verdicts(table)


def _row(verdict: Verdict) -> tuple[str, int, str, str, str, str]:
    score = "" if verdict.score is None else f"{verdict.score:.{DECIMALS}f}"
    level = verdict.background
    background = "" if level is None or math.isnan(level) else f"{level:.4g}"
    return verdict.path, verdict.index, score, str(verdict.keep).lower(), background, verdict.reason


def _number(text: str) -> float | None:
    return float(text) if text else None


def _open(path: Path, head: str, size: int | None) -> IO[str]:
    if size is None:
        file = open_table(path, "w")
        file.write(head)
        return file
    os.truncate(path, size)
    return open_table(path, "a")
