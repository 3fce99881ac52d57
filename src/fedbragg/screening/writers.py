"""What screening leaves behind: the table of every verdict and CrystFEL's list of the kept frames."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from fedbragg.errors import InputError
from fedbragg.types import Verdict

COLUMNS = ("path", "frame", "score", "keep")
VERDICTS = "verdicts.csv"
KEPT = "hits.lst"
HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".cxi", ".nx5")
"""Files of many frames: CrystFEL names a frame of these by ``//`` and its number."""


class Sink(Protocol):
    """Takes verdicts, one after the other."""

    def write(self, verdict: Verdict) -> None:
        """Add one verdict; what was added before is on disk already or will be when the run ends."""
        ...


class _Files:
    """Writes both files line by line, so that an interrupted run leaves all it had finished."""

    def __init__(self, table: Path, kept: Path) -> None:
        self._table = table.open("w", newline="", encoding="utf-8")
        self._kept = kept.open("w", encoding="utf-8")
        self._rows = csv.writer(self._table, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def write(self, verdict: Verdict) -> None:
        score = "" if verdict.score is None else f"{verdict.score:.6f}"
        self._rows.writerow((verdict.path, verdict.index, score, str(verdict.keep).lower()))
        if verdict.keep:
            self._kept.write(event(verdict) + "\n")

    def close(self) -> None:
        self._table.close()
        self._kept.close()


@contextmanager
def verdict_files(folder: Path) -> Iterator[Sink]:
    """Open ``verdicts.csv`` and ``hits.lst`` in a folder, which is made; raise InputError where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = _Files(folder / VERDICTS, folder / KEPT)
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}). Give another --out.") from None
    try:
        yield files
    finally:
        files.close()


def event(verdict: Verdict) -> str:
    """Name a frame as CrystFEL's event lists do: ``file.h5 //3``, or the file alone where it is one image."""
    if Path(verdict.path).suffix.lower() in HDF5_SUFFIXES:
        return f"{verdict.path} //{verdict.index}"
    return verdict.path


def read_verdicts(table: Iterable[str]) -> list[Verdict]:
    """Read the lines of a verdicts.csv back."""
    return [
        Verdict(
            row["path"],
            int(row["frame"]),
            float(row["score"]) if row["score"] else None,
            row["keep"] == "true",
        )
        for row in csv.DictReader(table)
    ]
