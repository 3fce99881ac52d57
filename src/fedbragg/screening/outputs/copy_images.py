"""Copy the images of the hits into one HDF5 dataset."""

from __future__ import annotations

from typing import Any

import h5py
import hdf5plugin

from fedbragg.errors import RunError
from fedbragg.images.hdf5.source import HDF5_ERRORS
from fedbragg.screening.outputs.hit_images import FirstHit, HitImage, images_of
from fedbragg.screening.outputs.hits import Hits

STORED_FIRST = {32008: 3}
"""Filters that store numbers of their own before those they are given: bitshuffle two of its version and the size of a
count (bshuf_h5filter)."""


def copy_images(group: Any, hits: Hits, first: FirstHit) -> None:
    """Create the dataset ``data`` (hits, rows, cols); raise RunError where a hit is gone.

    Of each image the packed chunk is copied where it has the filters of the first hit; others are repacked.
    """
    target = None
    for image in images_of(hits, first):
        if target is None:
            target = _create_packed(group, image, len(hits), first)
        try:
            _copy_image(target, image)
        except HDF5_ERRORS as error:
            raise RunError(
                f"{image.path} frame {image.index}: cannot be copied ({error}). Screen the run again."
            ) from None


def _create_packed(group: Any, image: HitImage, hits: int, first: FirstHit) -> Any:
    """Create the dataset with the filters of the first hit, or with bitshuffle-LZ4 where a chunk is not a frame."""
    shape, chunk = (hits, *first.shape), (1, *first.shape)
    if image.place is not None and _chunk_is_frame(image.place.dataset):
        source = image.place.dataset
        packing = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        packing.set_chunk(chunk)
        packing.set_obj_track_times(False)  # the same hits give the same bytes
        for number, flags, values in _filters(source):
            packing.set_filter(number, flags, values[STORED_FIRST.get(number, 0) :])
        space = h5py.h5s.create_simple(shape)
        return h5py.Dataset(h5py.h5d.create(group.id, b"data", source.id.get_type(), space, packing))
    return group.create_dataset("data", shape, first.dtype, chunks=chunk, **hdf5plugin.Bitshuffle())


def _copy_image(target: Any, image: HitImage) -> None:
    if image.place is None:
        target[image.number] = image.counts
        return
    dataset, position = image.place.dataset, image.place.position
    if _chunk_is_frame(dataset) and _filters(dataset) == _filters(target):
        corner = (0,) * (target.ndim - 1)
        filters_skipped, chunk = dataset.id.read_direct_chunk((position, *corner))
        target.id.write_direct_chunk((image.number, *corner), chunk, filters_skipped)
    else:
        target[image.number] = dataset[()] if dataset.ndim == 2 else dataset[position]


def _chunk_is_frame(dataset: Any) -> bool:
    return bool(dataset.ndim > 2 and dataset.chunks == (1, *dataset.shape[1:]))


def _filters(dataset: Any) -> list[Any]:
    packing = dataset.id.get_create_plist()
    return [packing.get_filter(number)[:3] for number in range(packing.get_nfilters())]
