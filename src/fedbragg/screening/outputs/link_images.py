"""Point at the images of the hits with a virtual HDF5 dataset."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from fedbragg.errors import RunError
from fedbragg.images.hdf5.virtual_names import to_virtual_name
from fedbragg.screening.outputs.hit_images import FirstHit, images_of
from fedbragg.screening.outputs.hits import Hits


@dataclass(slots=True)
class NeighbouringHits:
    """Hits that are neighbours in one dataset."""

    file: str
    dataset: str
    shape: tuple[int, ...]  # of the whole dataset
    first: int  # position in the dataset
    count: int


def link_images(group: Any, hits: Hits, first: FirstHit) -> None:
    """Create the virtual dataset ``data`` (hits, rows, cols); raise RunError where a hit is gone, or is not HDF5."""
    layout = h5py.VirtualLayout((len(hits), *first.shape), first.dtype)
    layout.dcpl.set_obj_track_times(False)  # the same hits give the same bytes
    folder = os.path.realpath(os.path.dirname(group.file.filename))  # noqa: PTH120  as HDF5 resolves it
    start = 0
    for block in _blocks(hits, first):
        # Relative, so that images and results stay together when the folder above them moves.
        file = to_virtual_name(os.path.relpath(block.file, folder))
        source = h5py.VirtualSource(file, to_virtual_name(block.dataset), block.shape, dtype=first.dtype)
        single = len(block.shape) == len(first.shape)
        selected = source if single else source[block.first : block.first + block.count]
        layout[start : start + block.count] = selected
        start += block.count
    group.create_virtual_dataset("data", layout, fillvalue=_fill_value(first.dtype))


def _blocks(hits: Hits, first: FirstHit) -> list[NeighbouringHits]:
    """Return the hits as blocks of neighbours."""
    blocks: list[NeighbouringHits] = []
    for image in images_of(hits, first):
        if image.place is None:
            raise RunError(f"{image.path}: is not HDF5, so nothing can point into it. Add --copy.")
        dataset, position = image.place.dataset, image.place.position
        file = os.path.realpath(dataset.file.filename)
        last = blocks[-1] if blocks else None
        if last and (last.file, last.dataset, last.first + last.count) == (file, dataset.name, position):
            last.count += 1
        else:
            blocks.append(NeighbouringHits(file, dataset.name, tuple(dataset.shape), position, 1))
    return blocks


def _fill_value(dtype: np.dtype[Any]) -> Any:
    """Return what a reader gets where a source is missing: a value that every reader masks."""
    if dtype.kind == "u":
        return np.iinfo(dtype).max
    return -1 if dtype.kind == "i" else np.nan
