"""The other files that an HDF5 master file stands for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from fedbragg.images.hdf5.layout import open_file

DEPTH = 4
"""Levels below which no master file keeps its links: /entry/data/data_000001 is the third."""


RESULTS = ("entry/screening/program", "entry_1/screening_1/program")
"""What fedbragg writes into the files of hits that it makes."""


def linked_files(path: str) -> set[str] | None:
    """Return the real paths of files that external links and virtual datasets of ``path`` name.

    None for hits that fedbragg has written: they stand for none of the files that they point into. A file that cannot
    be opened links to nothing: it is reported when the run comes to it.
    """
    try:
        with open_file(path) as file:
            if any(place in file for place in RESULTS):
                return None
            return {_resolve(path, name) for name in _targets(file, DEPTH)}
    except (OSError, RuntimeError, KeyError, ValueError):
        return set()


def _targets(group: Any, depth: int) -> Iterator[str]:
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            yield link.filename
        elif isinstance(link, h5py.HardLink):
            yield from _inside(group[name], depth)


def _inside(item: Any, depth: int) -> Iterator[str]:
    import h5py

    if isinstance(item, h5py.Group) and depth > 1:
        yield from _targets(item, depth - 1)
    elif isinstance(item, h5py.Dataset) and item.ndim > 1 and item.is_virtual:
        names = (from_virtual(source.file_name) for source in item.virtual_sources())
        yield from (name for name in names if name != ".")


def in_virtual(name: str) -> str:
    """Return a file's or dataset's name as virtual datasets have it: there ``%b`` stands for a number."""
    return name.replace("%", "%%")


def from_virtual(name: str) -> str:
    """Return the name that a virtual dataset means."""
    return name.replace("%%", "%")


def _resolve(path: str, name: str) -> str:
    return os.path.realpath(os.path.join(os.path.dirname(path), name))  # noqa: PTH118, PTH120  as HDF5 resolves it
