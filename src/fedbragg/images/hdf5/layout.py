"""Where an HDF5 file keeps its images: NXmx, Eiger, CXI, the CXIDB-76 layout, or the largest stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbragg.errors import RunError
from fedbragg.images.paths import natural

PLACES = (
    "entry/data/data",
    "entry/data/raw",
    "entry/instrument/detector/data",
    "entry_1/data_1/data",
    "entry_1/instrument_1/detector_1/data",
    "entry_1/image_1/data",
    "data/data",
)
"""Looked at in this order, after the numbered links of Eiger and the chunks of CXIDB-76."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """One dataset of images."""

    address: str  # file and name, for messages
    dataset: Any  # None where the link leads nowhere
    name: str = ""  # what tells it apart from the file's other stacks, where they are numbered


def open_file(path: str, *, live: bool = False) -> Any:
    """Open an HDF5 file for reading with the filters of hdf5plugin.

    A ``live`` file is opened while its writer has it, in SWMR mode, or as usual where it is closed already.
    """
    import h5py
    import hdf5plugin  # noqa: F401  registers the filters

    if live:
        try:
            return h5py.File(path, "r", swmr=True, libver="latest")
        except (OSError, ValueError):
            return h5py.File(path, "r", locking=True)  # fails while a writer that knows no SWMR has it
    # A file system that knows no locks must not keep a user from reading.
    return h5py.File(path, "r", locking="best-effort")


def find_stacks(file: Any, path: str) -> list[Stack]:
    """Return the datasets of images in the order of the frames.

    Raises RunError when the file holds nothing that looks like images.
    """
    stacks = _numbered(file) or _chunks(file) or _placed(file) or _largest(file)
    if not stacks:
        raise RunError(
            f"{path}: holds no stack of images. Expected one of /entry/data/data, /entry/data/data_000001, "
            "/entry_1/data_1/data, /data/*/images, or any integer dataset (frames, rows, cols)."
        )
    return stacks


def _numbered(file: Any) -> list[Stack]:
    """Return the links data_000001, data_000002 ... of an Eiger master file."""
    for entry in _groups(file):
        group = entry.get("data")
        if not _is_group(group):
            continue
        names = sorted((name for name in group if _is_numbered(name)), key=natural)
        if names:
            return [Stack(_address(group, name), _follow(group, name), name) for name in names]
    return []


def _is_numbered(name: str) -> bool:
    return name.startswith("data_") and name[5:].isdecimal()


def _chunks(file: Any) -> list[Stack]:
    """Return the datasets /data/<chunk>/images of the CXIDB-76 layout."""
    group = file.get("data")
    if not _is_group(group):
        return []
    found = [
        Stack(f"data/{name}/images", _follow(group, f"{name}/images"), name)
        for name in sorted(group, key=natural)
    ]
    return [stack for stack in found if stack.dataset is not None]


def _placed(file: Any) -> list[Stack]:
    for place in PLACES:
        dataset = _follow(file, place)
        if dataset is not None and _holds_images(dataset):
            return [Stack(place, dataset)]
    return []


def _largest(file: Any) -> list[Stack]:
    """Return the largest image dataset, with those of other groups that share its name and frame shape."""
    found: list[tuple[str, Any]] = []

    def note(name: str, item: Any) -> None:
        if _holds_images(item):
            found.append((name, item))

    file.visititems(note)
    if not found:
        return []
    name, largest = max(found, key=lambda pair: int(pair[1].size))
    leaf = name.rpartition("/")[2]
    alike = [
        (other, item)
        for other, item in found
        if other.rpartition("/")[2] == leaf
        and item.shape[-2:] == largest.shape[-2:]
        and item.ndim == largest.ndim
    ]
    return [Stack(name, item) for name, item in sorted(alike, key=lambda pair: natural(pair[0]))]


def _holds_images(item: Any) -> bool:
    import h5py

    return (
        isinstance(item, h5py.Dataset)
        and item.dtype.kind in "iuf"
        and item.ndim in (2, 3, 4)
        and min(item.shape[-2:]) > 4
    )


def _groups(file: Any) -> Iterator[Any]:
    for name in sorted(file, key=natural):
        if name.startswith("entry"):
            item = file.get(name)
            if _is_group(item):
                yield item


def _is_group(item: Any) -> bool:
    import h5py

    return isinstance(item, h5py.Group)


def _follow(group: Any, name: str) -> Any:
    """Return the dataset behind a name, or None where the link leads nowhere."""
    import h5py

    try:
        item = group[name]
    except (KeyError, OSError, RuntimeError):
        return None
    return item if isinstance(item, h5py.Dataset) else None


def _address(group: Any, name: str) -> str:
    """Return the file and name that a link points to, for messages."""
    import h5py

    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        return f"{Path(link.filename)}:{link.path}"
    return f"{group.name}/{name}"
