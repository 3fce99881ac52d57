"""The tables of a shard: every frame's verdict before drift is watched, and its spots.

Drift may keep any frame, depending on the frames before it, which may lie in another shard. So a shard has all that is
needed to write any of its frames as a hit: its event, and its spots where they are listed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import islice
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.screening.outputs.open_tables import OpenTables, open_table, open_tables
from fedbragg.screening.outputs.tables import (
    COLUMNS,
    HEADS,
    SPOTS,
    spot_rows,
    verdict_of,
    verdict_row,
)
from fedbragg.types import Spot, Verdict

FRAMES = "frames.csv"
FRAME_COLUMNS = (*COLUMNS, "event")
Rows = Iterator[dict[str, str]]
"""The rows of a table."""


class FrameFiles:
    """The open tables of a shard; use `frame_files` to open them."""

    def __init__(self, tables: OpenTables) -> None:
        self._tables = tables
        self._rows = csv.writer(tables[FRAMES], lineterminator="\n")
        self._spots = csv.writer(tables[SPOTS], lineterminator="\n") if SPOTS in tables else None

    def write(self, verdict: Verdict) -> None:
        """Add one verdict, kept or not, and its spots; they are on disk after the next flush."""
        self._rows.writerow((*verdict_row(verdict), verdict.event))
        if self._spots is not None:
            self._spots.writerows(spot_rows(verdict))

    def flush(self) -> dict[str, int]:
        """Hand everything to the operating system; return each table's name and size in bytes."""
        return self._tables.flush()


@contextmanager
def frame_files(
    folder: Path, *, spots: bool = False, sizes: Mapping[str, int] | None = None
) -> Iterator[FrameFiles]:
    """Open ``frames.csv`` and, with ``spots``, ``spots.csv`` in a folder, as `verdict_files` does.

    Raises InputError where they cannot be written.
    """
    heads = {FRAMES: ",".join(FRAME_COLUMNS) + "\n"} | ({SPOTS: HEADS[SPOTS]} if spots else {})
    with open_tables(folder, heads, sizes) as tables:
        yield FrameFiles(tables)


def frames_in(folder: Path, number: int, *, spots: bool) -> Iterator[Verdict]:
    """Read the first verdicts of a shard's folder, with their spots where these are listed.

    Raises InputError where the tables do not hold so many, or do not fit each other.
    """
    place = folder / FRAMES
    with open_table(place) as table, open_table(folder / SPOTS) if spots else nullcontext() as listed:
        rows = csv.DictReader(table)
        spot_table: Rows = csv.DictReader(listed) if listed is not None else iter(())
        try:
            for _ in range(number):
                verdict = verdict_of(next(rows))
                yield replace(verdict, spots=_spots_of(verdict, spot_table)) if spots else verdict
        except (StopIteration, ValueError, KeyError, TypeError, csv.Error):
            raise InputError(f"{place}: damaged in line {rows.line_num}. Screen this shard again.") from None


def _spots_of(verdict: Verdict, rows: Rows) -> tuple[Spot, ...]:
    """Take a frame's spots from the table; raise ValueError where they are not its own."""
    own = list(islice(rows, verdict.spot_count or 0))
    frame = verdict.path, str(verdict.index)
    if len(own) < (verdict.spot_count or 0) or any((row["path"], row["frame"]) != frame for row in own):
        raise ValueError(frame)
    return tuple(
        Spot(float(row["column"]), float(row["row"]), float(row["intensity"]), float(row["significance"]))
        for row in own
    )
