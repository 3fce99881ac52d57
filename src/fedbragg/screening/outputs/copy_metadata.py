"""Copy everything but the images from an HDF5 file into the file of its hits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fedbragg.images.hdf5.open import open_file
from fedbragg.screening.outputs.hits import Hits

NOT_PER_FRAME = frozenset(
    ("data_origin", "data_size", "data_stride", "unit_cell", "orientation_matrix", "vector", "offset")
)
"""Fields whose first axis is never the frames, even if it is as long."""


@dataclass(slots=True)
class MetadataCopy:
    """One copy of the metadata of the first file that holds hits."""

    frames: int  # in that file
    shape: tuple[int, ...]  # of one image
    hits: Hits
    copied: dict[tuple[int, int], str] = field(default_factory=dict)  # groups, and their names in the copy


def copy_metadata(source: Any, target: Any, copy: MetadataCopy) -> None:
    """Copy everything but the images from one open file or group into another.

    Links within the file stay links; what lies in other files is copied. Of an array with one value a frame the hits'
    values are taken. A link that leads nowhere is left out.
    """
    _copy_attributes(source, target)
    in_first_file = source.file.filename == copy.hits.paths[0]  # a soft link names a place of its own file
    for name in source:
        link = source.get(name, getlink=True)
        item = _get(source, name)
        if item is None or _holds_images(item, copy):
            continue
        if isinstance(link, h5py.SoftLink) and in_first_file:
            target[name] = h5py.SoftLink(link.path)
        elif isinstance(item, h5py.Dataset):
            _copy_dataset(item, target, name, copy)
        elif isinstance(item, h5py.Group):
            _copy_group(item, target, name, copy)


def _holds_images(item: Any, copy: MetadataCopy) -> bool:
    """Return whether a dataset holds images like the hits, and is not their mask."""
    if not isinstance(item, h5py.Dataset) or item.name.endswith("mask"):
        return False
    return bool(item.ndim > len(copy.shape) and item.shape[-len(copy.shape) :] == copy.shape)


def _copy_group(group: Any, target: Any, name: str, copy: MetadataCopy) -> None:
    """Copy a group; a second name of it becomes a second name in the copy, so a group that holds itself ends."""
    info = h5py.h5o.get_info(group.id)
    place = (info.fileno, info.addr)
    if place in copy.copied:
        target[name] = target.file[copy.copied[place]]
        return
    created = target.create_group(name)
    copy.copied[place] = created.name
    copy_metadata(group, created, copy)


def _copy_dataset(item: Any, target: Any, name: str, copy: MetadataCopy) -> None:
    if h5py.check_ref_dtype(item.dtype):  # references point at places of the old file
        return
    if _is_per_frame(item, name, copy):
        # The copy has the same tree as the first file; ``item.name`` is a name in the file that a link leads to.
        values = _values_of_hits(f"{target.name}/{name}", copy)
        if values is None:
            return
        target.create_dataset(name, data=values)
        _copy_attributes(item, target[name])
    elif item.is_virtual or item.external:
        target.create_dataset(name, data=item[()])
        _copy_attributes(item, target[name])
    else:
        target.copy(item, target, name)


def _is_per_frame(item: Any, name: str, copy: MetadataCopy) -> bool:
    return bool(
        copy.frames > 1
        and item.ndim > 0
        and item.shape[0] == copy.frames
        and name not in NOT_PER_FRAME
        and item.shape != copy.shape  # a mask with as many rows as there are frames
    )


def _values_of_hits(name: str, copy: MetadataCopy) -> NDArray[Any] | None:
    """Return the values of the hits of all files; None where a file lacks the dataset."""
    parts = []
    for path, indices in copy.hits.by_file():
        try:
            with open_file(path) as file:
                item = file[name]
                parts.append(np.stack([item[int(index)] for index in indices]))
        except (OSError, KeyError, ValueError, IndexError, TypeError, RuntimeError):
            return None
    try:
        return np.concatenate(parts)
    except ValueError:  # the files' dimensions differ
        return None


def _copy_attributes(source: Any, target: Any) -> None:
    for name, value in _attributes(source):
        target.attrs[name] = value


def _attributes(source: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes that are texts, numbers or arrays of numbers: others may point at places of their file."""
    for name in source.attrs:
        dtype = source.attrs.get_id(name).dtype
        text = h5py.check_string_dtype(dtype) is not None
        if text or not (h5py.check_ref_dtype(dtype) or h5py.check_vlen_dtype(dtype) or dtype.names):
            yield name, source.attrs[name]


def _get(group: Any, name: str) -> Any:
    try:
        return group[name]
    except (KeyError, OSError, RuntimeError):
        return None
