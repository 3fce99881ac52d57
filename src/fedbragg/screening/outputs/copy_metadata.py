"""What an HDF5 file says beside its images, into the file of its hits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fedbragg.images.hdf5.open import open_file
from fedbragg.screening.outputs.hits import Hits

FIXED = frozenset(
    ("data_origin", "data_size", "data_stride", "unit_cell", "orientation_matrix", "vector", "offset")
)
"""Fields whose first axis is never the frames, though it may be as long."""


@dataclass(slots=True)
class Carried:
    """The file that is carried over, and how its frames are told from its other arrays."""

    frames: int  # in the file
    shape: tuple[int, ...]  # of one image
    hits: Hits  # the first of them in this file
    groups: dict[tuple[int, int], str] = field(default_factory=dict)  # what each became; so circles end


def carry(source: Any, target: Any, carried: Carried) -> None:
    """Copy everything but the images from one open file or group into another.

    Links within the file stay links; what lies in other files is copied; of an array with a value for each frame the
    hits' values are taken. A link that leads nowhere is left out.
    """
    _copy_attributes(source, target)
    elsewhere = source.file.filename != carried.hits.paths[0]  # where a soft link means a place of that file
    for name in source:
        link = source.get(name, getlink=True)
        item = _get(source, name)
        if item is None or is_image(item, carried):
            continue
        if isinstance(link, h5py.SoftLink) and not elsewhere:
            target[name] = h5py.SoftLink(link.path)
        elif isinstance(item, h5py.Dataset):
            _carry_dataset(item, target, name, carried)
        elif isinstance(item, h5py.Group):
            _carry_group(item, target, name, carried)


def is_image(item: Any, carried: Carried) -> bool:
    """Tell whether a dataset holds images like the hits, and not a mask of them."""
    if not isinstance(item, h5py.Dataset) or item.name.endswith("mask"):
        return False
    return bool(item.ndim > len(carried.shape) and item.shape[-len(carried.shape) :] == carried.shape)


def _carry_group(group: Any, target: Any, name: str, carried: Carried) -> None:
    """Copy a group; under a second name it is the same group in the copy too."""
    info = h5py.h5o.get_info(group.id)
    place = (info.fileno, info.addr)
    if place in carried.groups:
        target[name] = target.file[carried.groups[place]]
        return
    made = target.create_group(name)
    carried.groups[place] = made.name
    carry(group, made, carried)


def _carry_dataset(item: Any, target: Any, name: str, carried: Carried) -> None:
    if h5py.check_ref_dtype(item.dtype):  # points at places of the old file
        return
    if _one_a_frame(item, name, carried):
        # Both files are built alike; ``item.name`` is its name in the file that a link leads to.
        values = _of_hits(f"{target.name}/{name}", carried)
        if values is None:
            return
        target.create_dataset(name, data=values)
        _copy_attributes(item, target[name])
    elif item.is_virtual or item.external:
        target.create_dataset(name, data=item[()])
        _copy_attributes(item, target[name])
    else:
        target.copy(item, target, name)


def _one_a_frame(item: Any, name: str, carried: Carried) -> bool:
    return bool(
        carried.frames > 1
        and item.ndim > 0
        and item.shape[0] == carried.frames
        and name not in FIXED
        and item.shape != carried.shape  # a mask whose rows are as many as the frames
    )


def _of_hits(name: str, carried: Carried) -> NDArray[Any] | None:
    """Return the values of the hits of all files; None where a file has none of that name."""
    parts = []
    for path, indices in carried.hits.by_file():
        try:
            with open_file(path) as file:
                item = file[name]
                parts.append(np.stack([item[int(index)] for index in indices]))
        except (OSError, KeyError, ValueError, IndexError, TypeError, RuntimeError):
            return None
    try:
        return np.concatenate(parts)
    except ValueError:  # one file has other dimensions
        return None


def _copy_attributes(source: Any, target: Any) -> None:
    for name, value in _attributes(source):
        target.attrs[name] = value


def _attributes(source: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes; those that point at other places of their file are left out."""
    for name in source.attrs:
        kind = source.attrs.get_id(name).dtype
        text = h5py.check_string_dtype(kind) is not None
        if text or not (h5py.check_ref_dtype(kind) or h5py.check_vlen_dtype(kind) or kind.names):
            yield name, source.attrs[name]


def _get(group: Any, name: str) -> Any:
    try:
        return group[name]
    except (KeyError, OSError, RuntimeError):
        return None
