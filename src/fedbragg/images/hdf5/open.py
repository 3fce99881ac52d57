"""Open HDF5 files for reading."""

from __future__ import annotations

from typing import Any


def open_file(path: str) -> Any:
    """Open an HDF5 file for reading, with the filters of hdf5plugin registered."""
    import h5py
    import hdf5plugin  # noqa: F401  registers the filters

    # "best-effort": a file system without locks must not keep a user from reading.
    return h5py.File(path, "r", locking="best-effort")
