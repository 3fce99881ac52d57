"""The files that an HDF5 master file links to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from fedbragg.images.hdf5.open import open_file
from fedbragg.images.hdf5.origin import is_file_of_hits
from fedbragg.images.hdf5.virtual_names import from_virtual_name

DEPTH = 4
"""Levels of groups that are searched: master files keep their links at /entry/data/data_000001, the third."""


def linked_files(path: str) -> set[str] | None:
    """Return the real paths of the files that external links and virtual datasets of ``path`` name.

    None for a file of hits that fedbragg has written, which does not replace the files that it links to. A file that
    cannot be opened links to nothing; the run reports it when it reads it.
    """
    try:
        with open_file(path) as file:
            if is_file_of_hits(file):
                return None
            return {_real_path(path, name) for name in _names_in_group(file, DEPTH)}
    except (OSError, RuntimeError, KeyError, ValueError):
        return set()


def _names_in_group(group: Any, depth: int) -> Iterator[str]:
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            yield link.filename
        elif isinstance(link, h5py.HardLink):
            yield from _names_in_item(group[name], depth)


def _names_in_item(item: Any, depth: int) -> Iterator[str]:
    import h5py

    if isinstance(item, h5py.Group) and depth > 1:
        yield from _names_in_group(item, depth - 1)
    elif isinstance(item, h5py.Dataset) and item.ndim > 1 and item.is_virtual:
        names = (from_virtual_name(source.file_name) for source in item.virtual_sources())
        yield from (name for name in names if name != ".")  # "." is the file itself


def _real_path(path: str, name: str) -> str:
    return os.path.realpath(os.path.join(os.path.dirname(path), name))  # noqa: PTH118, PTH120  as HDF5 resolves it
