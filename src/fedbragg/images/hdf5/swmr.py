"""HDF5 files that are still being written: single writer, multiple readers (SWMR)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FLAGS = 11
"""The byte in which a version 3 superblock marks that a writer has the file open (HDF5 format specification, II.A)."""


def open_swmr(path: str) -> Any:
    """Open a file whose writer uses SWMR, or one that is already closed; raise OSError for any other."""
    import h5py
    import hdf5plugin  # noqa: F401  registers the filters

    try:
        return h5py.File(path, "r", swmr=True, libver="latest")
    except (OSError, ValueError):
        return h5py.File(path, "r", locking=True)  # fails while a writer without SWMR has the file open


def writer_has_closed(path: str) -> bool:
    """Tell whether no writer marks an HDF5 file as open."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(FLAGS + 1)
    except OSError:
        return False
    return len(head) > FLAGS and (head[8] < 3 or head[FLAGS] == 0)
