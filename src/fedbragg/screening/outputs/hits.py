"""The hits of a finished screening: which frames of which files."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import RunError
from fedbragg.images.hdf5.origin import PROGRAM
from fedbragg.images.registry import open_source
from fedbragg.images.source import RunCache, Source
from fedbragg.screening.outputs.tables import verdicts_in


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The kept frames that could be read, in the run's order: at least one, 16 bytes each."""

    paths: list[str]  # the files that hold hits
    file: NDArray[np.int32]  # (hits,) position in ``paths``
    index: NDArray[np.int64]  # (hits,) position in that file, from 0
    score: NDArray[np.float32]  # (hits,)
    unreadable: int  # frames kept because they could not be read: they have no image

    def __len__(self) -> int:
        """Return the number of hits."""
        return len(self.file)

    def by_file(self) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Yield each file with the positions of its hits, files in the run's order."""
        changes = np.flatnonzero(np.diff(self.file)) + 1
        for part in np.split(np.arange(len(self)), changes):
            yield self.paths[self.file[part[0]]], self.index[part]


def read_hits(folder: Path) -> Hits:
    """Read which frames a folder's verdicts.csv keeps; raise RunError where there is no image among them."""
    numbers: dict[str, int] = {}
    file, index, score, unreadable = array("i"), array("q"), array("f"), 0
    for verdict in verdicts_in(folder):
        if not verdict.keep:
            continue
        if verdict.score is None:
            unreadable += 1
            continue
        file.append(numbers.setdefault(verdict.path, len(numbers)))
        index.append(verdict.index)
        score.append(verdict.score)
    if not file:
        raise RunError("there is no hit to write: leave out --nxmx and --cxi, or lower --threshold.")
    return Hits(
        list(numbers),
        np.array(file, np.int32),
        np.array(index, np.int64),
        np.array(score, np.float32),
        unreadable,
    )


def open_hit_file(path: str, cache: RunCache) -> Source:
    """Open a file that holds hits; raise RunError where it is gone."""
    try:
        return open_source(path, cache)
    except RunError as error:
        raise RunError(f"{error} It held hits when it was screened.") from None


def write_origin(group: Any, hits: Hits) -> None:
    """Write into an HDF5 group the file, the frame and the score of each hit."""
    from fedbragg.version import __version__

    group.attrs["NX_class"] = "NXprocess"
    group[PROGRAM] = "fedbragg"
    group["version"] = __version__
    group["source_files"] = hits.paths
    for name, values in (("source", hits.file), ("frame", hits.index), ("score", hits.score)):
        group.create_dataset(name, data=values, compression="gzip" if len(values) > 1000 else None)
