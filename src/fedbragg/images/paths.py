"""Which files a run consists of: files, globs and folders, in natural order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from fedbragg.errors import RunError
from fedbragg.images.hdf5.links import linked_files
from fedbragg.images.hdf5.source import HDF5
from fedbragg.images.registry import (
    extension_of,
    has_known_extension,
    is_image,
    is_numbered,
    known_extensions,
)
from fedbragg.images.sorting import natural_key

DECTRIS_DATA_FILE = re.compile(r"_data_\d+\.h5$")
"""The name of the files that a DECTRIS master links to; they link to nothing themselves."""

Paths = str | Path | Sequence[str | Path]


def expand(paths: Paths) -> list[str]:
    """Return the run's files in the order given, a folder's or glob's in natural order.

    A folder is searched through all its levels for known extensions, and for numbers as extensions where the content is
    an image, hidden files left out; of a glob's files the content decides where the extension is unknown. Of files that
    came from one folder or glob, those that a master file among them links to are left out. Raises RunError when a path
    does not exist or holds no image.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    if not given:
        raise RunError("no path was given: give at least one file, folder or glob.")
    files = [file for path in given for file in _expand_one(str(path))]
    return list(dict.fromkeys(files))


def is_glob(path: str | Path) -> bool:
    """Tell whether a path has a glob's wildcards."""
    return any(sign in str(path) for sign in "*?[")


def _expand_one(path: str) -> list[str]:
    if Path(path).is_dir():
        found, otherwise = sorted(_files_in(path), key=natural_key), "folder holds no image file"
    elif Path(path).exists():
        return [path]
    elif is_glob(path):
        found, otherwise = _matches(path), "no image file matches"
    else:
        raise RunError(f"{path}: no such file or folder. Check the path, and that its disk is mounted.")
    if not found:
        known = known_extensions()
        raise RunError(f"{path}: {otherwise}. Known extensions, also inside .gz and .bz2: {known}.")
    return _without_linked_files(found)


def _files_in(folder: str) -> Iterator[str]:
    """Yield the image files in and below a folder, each level in natural order."""
    with os.scandir(folder) as entries:
        is_folder = {entry.name: entry.is_dir() for entry in entries if not entry.name.startswith(".")}
    for name in sorted(is_folder, key=natural_key):
        path = f"{folder.rstrip('/')}/{name}"
        if is_folder[name]:
            yield from _files_in(path)
        elif has_known_extension(name) or (is_numbered(name) and is_image(path)):
            yield path


def _matches(pattern: str) -> list[str]:
    from glob import glob

    found = glob(pattern, recursive=True)  # noqa: PTH207  keeps a pattern absolute or relative as it is
    folders = {path for path in found if Path(path).is_dir()}
    files = [path for path in found if path not in folders and is_image(path)]
    return sorted([*files, *(file for folder in folders for file in _files_in(folder))], key=natural_key)


def _without_linked_files(files: list[str]) -> list[str]:
    """Leave out the files that a master among them links to, so that no frame counts twice.

    For the same reason files of hits that fedbragg has written are left out, unless there is nothing else.
    """
    hdf5_files = [file for file in files if extension_of(file) in HDF5.extensions]
    if not hdf5_files or len(files) < 2:
        return files
    left_out: set[str] = set()
    # Masters first: the files that they link to need not be opened.
    for file in sorted(hdf5_files, key=lambda name: "master" not in name):
        real = os.path.realpath(file)
        if not DECTRIS_DATA_FILE.search(file) and real not in left_out:
            linked = linked_files(file)
            left_out |= {real} if linked is None else linked
    return [file for file in files if os.path.realpath(file) not in left_out] or files
