"""Read the table of the hits' spots, frame by frame."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from fedbragg.screening.outputs.open_tables import open_table
from fedbragg.screening.outputs.tables import SPOT_COLUMNS, SPOTS


def spots_in(folder: Path) -> Iterator[tuple[str, int, dict[str, list[float]]]]:
    """Yield path, frame and the columns of its spots from a folder's spots.csv, in the run's order."""
    with open_table(folder / SPOTS) as table:
        for (path, frame), rows in groupby(csv.DictReader(table), lambda row: (row["path"], row["frame"])):
            listed = list(rows)
            yield path, int(frame), {name: [float(row[name]) for row in listed] for name in SPOT_COLUMNS[2:]}
