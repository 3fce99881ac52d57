"""The hits' images as one dataset: pointed at where they lie, or copied as they are packed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedbragg.errors import FrameError, RunError
from fedbragg.images.hdf5.source import HDF5_ERRORS, FrameLocation, HDF5Source
from fedbragg.images.hdf5.virtual_names import to_virtual_name
from fedbragg.images.source import RunCache
from fedbragg.screening.outputs.hits import Hits, opened
from fedbragg.types import Counts

OWN_NUMBERS = {32008: 3}
"""Bitshuffle: its version, in two numbers, and the size of a count (bshuf_h5filter)."""


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One hit, open for reading."""

    number: int  # among the hits
    path: str
    index: int  # position in that file
    place: FrameLocation | None  # where HDF5 has it; None for other formats
    counts: Counts | None = None  # for other formats


@dataclass(slots=True)
class _Block:
    """Hits that follow one another in one dataset too."""

    file: str
    dataset: str
    shape: tuple[int, ...]  # of the whole dataset
    first: int  # position in the dataset
    count: int


def put_images(group: Any, name: str, hits: Hits, *, copy: bool) -> None:
    """Make the dataset ``name`` (hits, rows, cols) of a group; raise RunError where hits are gone or of two shapes."""
    if copy:
        _copy(group, name, hits)
    else:
        _point(group, name, hits)


def images_of(hits: Hits) -> Iterator[Image]:
    """Yield every hit, its file open while it is looked at; raise RunError where one cannot be read any more."""
    cache, number = RunCache(), 0
    for path, indices in hits.by_file():
        source = opened(path, cache)
        try:
            for index in map(int, indices):
                if isinstance(source, HDF5Source):
                    place = source.locate(index) if index < len(source) else None
                    if place is None:
                        raise RunError(f"{path} frame {index}: gone since it was screened. Screen it anew.")
                    yield Image(number, path, index, place)
                else:
                    yield Image(number, path, index, None, _counts(source, index))
                number += 1
        finally:
            source.close()


def frame_shape(image: Image) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of one image as its file has it."""
    if image.place is None:
        counts = np.asarray(image.counts)
        return counts.shape, counts.dtype
    dataset = image.place.dataset
    return tuple(dataset.shape if dataset.ndim == 2 else dataset.shape[1:]), dataset.dtype


def _counts(source: Any, index: int) -> Counts:
    try:
        counts: Counts = source.read(index).counts
    except FrameError as error:
        raise RunError(f"{error} It was read when it was screened.") from None
    return counts


def _point(group: Any, name: str, hits: Hits) -> None:
    import h5py

    blocks: list[_Block] = []
    shape, dtype = None, np.dtype(np.uint16)
    for image in images_of(hits):
        if shape is None:
            shape, dtype = frame_shape(image)
        _check_alike(image, shape, dtype)
        _extend(blocks, image)
    layout = h5py.VirtualLayout((len(hits), *(shape or ())), dtype)
    folder, start = os.path.realpath(os.path.dirname(group.file.filename)), 0  # noqa: PTH120  as HDF5 resolves it
    for block in blocks:
        # Relative, so that images and results stay together when the folder above them moves.
        source = h5py.VirtualSource(
            to_virtual_name(os.path.relpath(block.file, folder)),
            to_virtual_name(block.dataset),
            block.shape,
            dtype=dtype,
        )
        whole = len(block.shape) == len(layout.shape) - 1
        layout[start : start + block.count] = (
            source if whole else source[block.first : block.first + block.count]
        )
        start += block.count
    group.create_virtual_dataset(name, layout, fillvalue=_nothing(dtype))


def _extend(blocks: list[_Block], image: Image) -> None:
    if image.place is None:
        raise RunError(f"{image.path}: not HDF5, so that nothing can point into it. Add --copy.")
    dataset, position = image.place.dataset, image.place.position
    file, name = os.path.realpath(dataset.file.filename), dataset.name
    if blocks and (blocks[-1].file, blocks[-1].dataset) == (file, name):
        last = blocks[-1]
        if position == last.first + last.count:
            last.count += 1
            return
    blocks.append(_Block(file, name, tuple(dataset.shape), position, 1))


def _copy(group: Any, name: str, hits: Hits) -> None:
    """Copy packed chunks as they are where each is a frame packed like the first; pack the others anew."""
    target = None
    shape: tuple[int, ...] = ()
    dtype = np.dtype(np.uint16)
    for image in images_of(hits):
        if target is None:
            shape, dtype = frame_shape(image)
            target = _packed_like(group, name, image, (len(hits), *shape))
        _check_alike(image, shape, dtype)
        try:
            _copy_one(target, image)
        except HDF5_ERRORS as error:
            raise RunError(
                f"{image.path} frame {image.index}: cannot be copied ({error}). Screen it anew."
            ) from None


def _packed_like(group: Any, name: str, image: Image, shape: tuple[int, ...]) -> Any:
    """Create the dataset with the filters of the first hit, or with bitshuffle-LZ4 where these do not fit."""
    import h5py
    import hdf5plugin

    if image.place is not None and _chunk_a_frame(image.place.dataset):
        source = image.place.dataset
        packing = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        packing.set_chunk((1, *shape[1:]))
        for number, flags, values in _filters(source):
            # What HDF5 lists of a filter is more than what it was given: these put their own numbers before.
            packing.set_filter(number, flags, values[OWN_NUMBERS.get(number, 0) :])
        created = h5py.h5d.create(
            group.id, name.encode(), source.id.get_type(), h5py.h5s.create_simple(shape), packing
        )
        return h5py.Dataset(created)
    _, dtype = frame_shape(image)
    return group.create_dataset(name, shape, dtype, chunks=(1, *shape[1:]), **hdf5plugin.Bitshuffle())


def _copy_one(target: Any, image: Image) -> None:
    corner = (image.number, *(0,) * (target.ndim - 1))
    if image.place is None:
        target[image.number] = image.counts
    elif _chunk_a_frame(image.place.dataset) and _filters(image.place.dataset) == _filters(target):
        origin = (image.place.position, *corner[1:])
        skipped, chunk = image.place.dataset.id.read_direct_chunk(origin)
        target.id.write_direct_chunk(corner, chunk, skipped)
    else:
        dataset = image.place.dataset
        target[image.number] = dataset[()] if dataset.ndim == 2 else dataset[image.place.position]


def _chunk_a_frame(dataset: Any) -> bool:
    return bool(dataset.ndim > 2 and dataset.chunks == (1, *dataset.shape[1:]))


def _filters(dataset: Any) -> list[Any]:
    packing = dataset.id.get_create_plist()
    return [packing.get_filter(number)[:3] for number in range(packing.get_nfilters())]


def _check_alike(image: Image, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    found = frame_shape(image)
    if found != (shape, dtype):
        raise RunError(
            f"{image.path} frame {image.index}: {found[0]} {found[1]}, but the first hit is {shape} {dtype}. "
            "Screen each detector by itself for --nxmx and --cxi."
        )


def _nothing(dtype: np.dtype[Any]) -> Any:
    """Return what a reader gets for a source that is missing: a count that every reader masks."""
    if dtype.kind == "u":
        return np.iinfo(dtype).max
    return -1 if dtype.kind == "i" else np.nan
