"""Read frames through HDF5 itself: datasets whose chunks are not single frames, or whose filters are not known here."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.hdf5.chunks import NEVER_WRITTEN, frame_shape
from fedbragg.images.hdf5.decoders import DamagedChunkError

LARGEST_CACHE = 1 << 30
"""Bytes."""
CACHE_SLOTS = 1009


def read_through_hdf5(dataset: Any, index: int, pool: BufferPool) -> NDArray[Any]:
    """Return one frame of (frames, rows, cols) or (frames, panels, rows, cols), or a single image (rows, cols)."""
    selection: Any = () if dataset.ndim == 2 else index
    _check_written(dataset, index)
    if not _needs_no_conversion(dataset.dtype):
        return np.asarray(dataset[selection])
    counts = pool.take(frame_shape(dataset), dataset.dtype)
    as_stored = counts.reshape(dataset.shape if dataset.ndim == 2 else dataset.shape[1:])
    dataset.read_direct(as_stored, source_sel=np.s_[selection])
    return counts


def with_chunk_cache(dataset: Any) -> Any:
    """Return the dataset with a cache for chunks of several frames, so that each is decompressed once."""
    import h5py

    if not dataset.chunks or dataset.ndim == 2 or dataset.chunks[0] == 1:
        return dataset
    frames = prod(dataset.shape[1:]) * dataset.chunks[0] * dataset.dtype.itemsize
    access = dataset.id.get_access_plist()
    access.set_chunk_cache(CACHE_SLOTS, min(2 * frames, LARGEST_CACHE), 1.0)
    return h5py.Dataset(h5py.h5d.open(dataset.file.id, dataset.name.encode(), access))


def _needs_no_conversion(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" and dtype.isnative and dtype.itemsize <= 4


def _check_written(dataset: Any, index: int) -> None:
    """Raise DamagedChunkError for a frame that was never written, where HDF5 would return zeros."""
    if dataset.is_virtual or dataset.external or not dataset.size:
        return
    identifier = dataset.id
    if dataset.chunks is None:
        if identifier.get_storage_size() == 0:
            raise DamagedChunkError(NEVER_WRITTEN)
        return
    tiles = [-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True)]
    if identifier.get_num_chunks() == prod(tiles):
        return
    first = [[index // dataset.chunks[0]] if dataset.ndim > 2 else range(tiles[0]), *map(range, tiles[1:])]
    for tile in product(*first):
        corner = tuple(number * chunk for number, chunk in zip(tile, dataset.chunks, strict=True))
        if identifier.get_chunk_info_by_coord(corner).byte_offset is None:
            raise DamagedChunkError(NEVER_WRITTEN)
