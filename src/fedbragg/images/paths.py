"""Which files a run consists of: files, globs and folders, in natural order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from fedbragg.errors import RunError

STACKS = (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".cxi")
"""HDF5: a file holds any number of frames."""
ARRAYS = (".npy", ".npz")
PICTURES = (
    *(".cbf", ".img", ".smv", ".mccd", ".mar345", ".mar2300", ".mar3450", ".mar1600", ".mar2400"),
    *(".edf", ".tif", ".tiff", ".kcd", ".kccd", ".gfrm", ".sfrm"),
)
SEVERAL_FRAMES = (".edf", ".tif", ".tiff")
"""Pictures that may hold more than one frame, so that a run must look before it can count."""
PACKED = (".gz", ".bz2")
KNOWN = frozenset((*STACKS, *PICTURES, *ARRAYS))
NUMBER = re.compile(r"(\d+)")
DATA_FILE = re.compile(r"_data_\d+\.h5$")
"""How DECTRIS names the files that a master links to, and that link to nothing themselves."""

Paths = str | Path | Sequence[str | Path]


def expand(paths: Paths) -> list[str]:
    """Return the run's files in the order given, a folder's or glob's in natural order.

    A folder is searched through all its levels for known extensions, hidden files left out. Data files that a
    master file of the same folder stands for are dropped when both came from a folder or a glob. Raises RunError
    when a path does not exist or holds no image.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    if not given:
        raise RunError("no path was given: give at least one file, folder or glob.")
    files = [file for path in given for file in _expand_one(str(path))]
    return list(dict.fromkeys(files))


def natural(text: str) -> list[str | int]:
    """Return a key that sorts run2 before run10: texts and numbers by turns."""
    parts: list[str | int] = list(NUMBER.split(text))
    parts[1::2] = map(int, parts[1::2])
    return parts


def extension(path: str) -> str:
    """Return the extension in lower case, of what is packed where it is packed: ``.cbf`` of ``a.CBF.gz``."""
    name = path.lower()
    for packing in PACKED:
        name = name.removesuffix(packing)
    dot = name.rfind(".")
    return name[dot:] if dot > name.rfind("/") + 1 else ""


def _expand_one(path: str) -> list[str]:
    if Path(path).is_dir():
        return _some(
            _without_data_files(sorted(_walk(path), key=natural)), path, "folder holds no image file"
        )
    if Path(path).exists():
        return [path]
    if any(sign in path for sign in "*?["):
        return _some(_without_data_files(_matches(path)), path, "no image file matches")
    raise RunError(f"{path}: no such file or folder. Check the path, and that its disk is mounted.")


def _some(files: list[str], path: str, otherwise: str) -> list[str]:
    if files:
        return files
    known = " ".join((*STACKS, *PICTURES, *ARRAYS))
    raise RunError(f"{path}: {otherwise}. Known extensions, also inside .gz and .bz2: {known}.")


def _walk(folder: str) -> Iterator[str]:
    """Yield the image files in and below a folder, each level in natural order."""
    with os.scandir(folder) as entries:
        folders = {entry.name: entry.is_dir() for entry in entries if not entry.name.startswith(".")}
    for name in sorted(folders, key=natural):
        path = f"{folder.rstrip('/')}/{name}"
        if folders[name]:
            yield from _walk(path)
        elif _known(name):
            yield path


def _matches(pattern: str) -> list[str]:
    from glob import glob

    found = glob(pattern, recursive=True)  # noqa: PTH207  keeps a pattern absolute or relative as it is
    folders = [path for path in found if Path(path).is_dir()]
    files = [path for path in found if _known(path) and path not in set(folders)]
    return sorted([*files, *(file for folder in folders for file in _walk(folder))], key=natural)


def _known(name: str) -> bool:
    packed = name.lower().endswith(PACKED)
    return extension(name) in (PICTURES if packed else KNOWN)


def _without_data_files(files: list[str]) -> list[str]:
    """Drop the data files that a master in the list links to, so that no frame counts twice.

    For the same reason hits that fedbragg has written are dropped where there is anything else.
    """
    stacks = [file for file in files if extension(file) in STACKS]
    if not stacks or len(files) < 2:
        return files
    from fedbragg.images.hdf5.links import linked_files

    dropped: set[str] = set()
    # Masters first: what they link to need not be looked into.
    for file in sorted(stacks, key=lambda name: "master" not in name):
        real = os.path.realpath(file)
        if not DATA_FILE.search(file) and real not in dropped:
            linked = linked_files(file)
            dropped |= {real} if linked is None else linked
    return [file for file in files if os.path.realpath(file) not in dropped] or files
