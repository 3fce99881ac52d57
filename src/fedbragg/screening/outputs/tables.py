"""The tables that screening writes as it goes: every verdict, CrystFEL's list of the kept frames, and their spots."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fedbragg.screening.outputs.crystfel import event_line
from fedbragg.screening.outputs.open_tables import OpenTables, open_table, open_tables
from fedbragg.types import SCORE_DECIMALS, Verdict

COLUMNS = ("path", "frame", "score", "keep", "background", "spots", "resolution", "reason")
SPOT_COLUMNS = ("path", "frame", "column", "row", "intensity", "significance")
VERDICTS = "verdicts.csv"
KEPT = "hits.lst"
SPOTS = "spots.csv"
HEADS = {VERDICTS: ",".join(COLUMNS) + "\n", KEPT: "", SPOTS: ",".join(SPOT_COLUMNS) + "\n"}


class VerdictFiles:
    """The open tables of a folder; use `verdict_files` to open them."""

    def __init__(self, tables: OpenTables) -> None:
        self._tables = tables
        self._rows = csv.writer(tables[VERDICTS], lineterminator="\n")
        self._spots = csv.writer(tables[SPOTS], lineterminator="\n") if SPOTS in tables else None

    def write(self, verdict: Verdict) -> None:
        """Add one verdict to every table; it is on disk after the next flush."""
        self._rows.writerow(verdict_row(verdict))
        if verdict.keep:
            self._tables[KEPT].write(event_line(verdict) + "\n")
        if verdict.keep and self._spots is not None:
            self._spots.writerows(spot_rows(verdict))

    def flush(self) -> dict[str, int]:
        """Hand everything to the operating system; return each table's name and size in bytes."""
        return self._tables.flush()


@contextmanager
def verdict_files(
    folder: Path, *, spots: bool = False, sizes: Mapping[str, int] | None = None
) -> Iterator[VerdictFiles]:
    """Open ``verdicts.csv``, ``hits.lst`` and, with ``spots``, ``spots.csv`` in a folder, which is made.

    With ``sizes``, the tables that are there are cut to these many bytes and appended to. Raises InputError where
    they cannot be written.
    """
    names = (VERDICTS, KEPT, SPOTS) if spots else (VERDICTS, KEPT)
    with open_tables(folder, {name: HEADS[name] for name in names}, sizes) as tables:
        yield VerdictFiles(tables)


def read_verdicts(lines: Iterable[str]) -> Iterator[Verdict]:
    """Read the verdicts from the lines of a verdicts.csv, which has no spots and no events."""
    return map(verdict_of, csv.DictReader(lines))


def verdict_of(row: Mapping[str, str]) -> Verdict:
    """Return the verdict of a row, without its spots."""
    return Verdict(
        row["path"],
        int(row["frame"]),
        _number(row["score"]),
        row["keep"] == "true",
        row["reason"],
        _number(row["background"]),
        event=row.get("event", ""),
        spot_count=int(row["spots"]) if row.get("spots") else None,
        resolution=_number(row.get("resolution", "")),
    )


def verdicts_in(folder: Path) -> Iterator[Verdict]:
    """Read the verdicts from the verdicts.csv of a folder."""
    with open_table(folder / VERDICTS) as table:
        yield from read_verdicts(table)


def verdict_row(verdict: Verdict) -> tuple[str | int, ...]:
    """Return a verdict as a row, in the order of `COLUMNS`."""
    score = "" if verdict.score is None else f"{verdict.score:.{SCORE_DECIMALS}f}"
    level = verdict.background
    background = "" if level is None or math.isnan(level) else f"{level:.4g}"
    spots = "" if verdict.spot_count is None else str(verdict.spot_count)
    resolution = "" if verdict.resolution is None else f"{verdict.resolution:.3g}"
    keep = str(verdict.keep).lower()
    return verdict.path, verdict.index, score, keep, background, spots, resolution, verdict.reason


def spot_rows(verdict: Verdict) -> Iterator[tuple[str | int, ...]]:
    """Yield a verdict's spots as rows, in the order of `SPOT_COLUMNS`."""
    for spot in verdict.spots:
        places = f"{spot.column:.0f}", f"{spot.row:.0f}"
        yield verdict.path, verdict.index, *places, f"{spot.intensity:.1f}", f"{spot.significance:.2f}"


def _number(text: str | None) -> float | None:
    return float(text) if text else None
