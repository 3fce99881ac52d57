"""Read frames through HDF5 itself: datasets that are not laid out a chunk a frame, or packed in some other way."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.hdf5.chunks import DamagedChunkError, plain_counts

LARGEST_CACHE = 1 << 30


def read_plainly(dataset: Any, at: int, pool: BufferPool) -> NDArray[Any]:
    """Return one frame of (frames, rows, cols), (frames, panels, rows, cols) or of a single picture (rows, cols)."""
    where: Any = () if dataset.ndim == 2 else at
    _check_written(dataset, at)
    if not plain_counts(dataset.dtype):
        return np.asarray(dataset[where])
    *outer, cols = dataset.shape if dataset.ndim == 2 else dataset.shape[1:]
    counts = pool.take((prod(outer), cols), dataset.dtype)
    dataset.read_direct(counts.reshape(*outer, cols), source_sel=np.s_[where])
    return counts


def with_room(dataset: Any) -> Any:
    """Return the dataset with a cache for a chunk of several frames, which would be unpacked anew for each frame."""
    import h5py

    if not dataset.chunks or dataset.ndim == 2 or dataset.chunks[0] == 1:
        return dataset
    frames = prod(dataset.shape[1:]) * dataset.chunks[0] * dataset.dtype.itemsize
    access = dataset.id.get_access_plist()
    access.set_chunk_cache(1009, min(2 * frames, LARGEST_CACHE), 1.0)
    return h5py.Dataset(h5py.h5d.open(dataset.file.id, dataset.name.encode(), access))


def _check_written(dataset: Any, at: int) -> None:
    """Raise DamagedChunkError for a frame that was never written, where HDF5 would give zeros."""
    if dataset.is_virtual or dataset.external or not dataset.size:
        return
    identifier = dataset.id
    if dataset.chunks is None:
        if identifier.get_storage_size() == 0:
            raise DamagedChunkError("it was never written; its writer stopped early")
        return
    tiles = [-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True)]
    if identifier.get_num_chunks() == prod(tiles):
        return
    first = [[at // dataset.chunks[0]] if dataset.ndim > 2 else range(tiles[0]), *map(range, tiles[1:])]
    for tile in product(*first):
        corner = tuple(number * chunk for number, chunk in zip(tile, dataset.chunks, strict=True))
        if identifier.get_chunk_info_by_coord(corner).byte_offset is None:
            raise DamagedChunkError("it was never written; its writer stopped early")
