"""The tables that screening writes as it goes: every verdict, CrystFEL's list of the kept frames, and their spots."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from fedbragg.errors import InputError
from fedbragg.screening.outputs.crystfel import event_line
from fedbragg.types import SCORE_DECIMALS, Verdict

COLUMNS = ("path", "frame", "score", "keep", "background", "spots", "resolution", "reason")
SPOT_COLUMNS = ("path", "frame", "column", "row", "intensity", "significance")
VERDICTS = "verdicts.csv"
KEPT = "hits.lst"
SPOTS = "spots.csv"
HEADS = {VERDICTS: ",".join(COLUMNS) + "\n", KEPT: "", SPOTS: ",".join(SPOT_COLUMNS) + "\n"}


class VerdictFiles:
    """The open tables of a folder; use `verdict_files` to open them."""

    def __init__(self, folder: Path, names: Iterable[str], sizes: Mapping[str, int]) -> None:
        """Open each table, new or cut to its size."""
        self._files = {name: _open(folder / name, HEADS[name], sizes.get(name)) for name in names}
        self._rows = csv.writer(self._files[VERDICTS], lineterminator="\n")
        self._spots = csv.writer(self._files[SPOTS], lineterminator="\n") if SPOTS in self._files else None

    def write(self, verdict: Verdict) -> None:
        """Add one verdict to every table; it is on disk after the next flush."""
        self._rows.writerow(_row(verdict))
        if verdict.keep:
            self._files[KEPT].write(event_line(verdict) + "\n")
        if verdict.keep and self._spots is not None:
            frame = verdict.path, verdict.index
            self._spots.writerows(
                (*frame, f"{s.column:.0f}", f"{s.row:.0f}", f"{s.intensity:.1f}", f"{s.significance:.2f}")
                for s in verdict.spots
            )

    def flush(self) -> dict[str, int]:
        """Hand everything to the operating system; return each table's name and size in bytes."""
        for file in self._files.values():
            file.flush()
        return {name: os.fstat(file.fileno()).st_size for name, file in self._files.items()}

    def close(self) -> None:
        """Close the tables."""
        for file in self._files.values():
            with suppress(OSError):  # a full disk has been reported by then
                file.close()


@contextmanager
def verdict_files(
    folder: Path, *, spots: bool = False, sizes: Mapping[str, int] | None = None
) -> Iterator[VerdictFiles]:
    """Open ``verdicts.csv``, ``hits.lst`` and, with ``spots``, ``spots.csv`` in a folder, which is made.

    With ``sizes``, the tables that are there are cut to these many bytes and appended to. Raises InputError where
    they cannot be written.
    """
    names = (VERDICTS, KEPT, SPOTS) if spots else (VERDICTS, KEPT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = VerdictFiles(folder, names, sizes or {})
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}). Give another --out.") from None
    try:
        yield files
    finally:
        files.close()


def open_table(path: Path, mode: Literal["r", "w", "a"] = "r") -> IO[str]:
    """Open one of the tables; paths that are not UTF-8 are written and read back unchanged (PEP 383)."""
    return path.open(mode, encoding="utf-8", errors="surrogateescape", newline="")


def read_verdicts(lines: Iterable[str]) -> Iterator[Verdict]:
    """Read the verdicts from the lines of a verdicts.csv, which has no spots and no events."""
    for row in csv.DictReader(lines):
        yield Verdict(
            row["path"],
            int(row["frame"]),
            _number(row["score"]),
            row["keep"] == "true",
            row["reason"],
            _number(row["background"]),
            spot_count=int(row["spots"]) if row.get("spots") else None,
            resolution=_number(row.get("resolution", "")),
        )


def verdicts_in(folder: Path) -> Iterator[Verdict]:
    """Read the verdicts from the verdicts.csv of a folder."""
    with open_table(folder / VERDICTS) as table:
        yield from read_verdicts(table)


def _row(verdict: Verdict) -> tuple[str | int, ...]:
    score = "" if verdict.score is None else f"{verdict.score:.{SCORE_DECIMALS}f}"
    level = verdict.background
    background = "" if level is None or math.isnan(level) else f"{level:.4g}"
    spots = "" if verdict.spot_count is None else str(verdict.spot_count)
    resolution = "" if verdict.resolution is None else f"{verdict.resolution:.3g}"
    keep = str(verdict.keep).lower()
    return verdict.path, verdict.index, score, keep, background, spots, resolution, verdict.reason


def _number(text: str | None) -> float | None:
    return float(text) if text else None


def _open(path: Path, head: str, size: int | None) -> IO[str]:
    if size is None:
        file = open_table(path, "w")
        file.write(head)
        return file
    os.truncate(path, size)
    return open_table(path, "a")
