"""The images of the hits as one HDF5 dataset: a virtual dataset that points at them, or a copy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError, RunError
from fedbragg.images.hdf5.links import in_virtual
from fedbragg.images.hdf5.source import HDF5_ERRORS, HDF5Source, Place
from fedbragg.images.source import Shared, Source
from fedbragg.screening.outputs.hits import Hits, open_hit_file
from fedbragg.types import Counts, Frame

STORED_FIRST = {32008: 3}
"""Filters that store numbers of their own before those they are given: bitshuffle two of its version and the size of a
count (bshuf_h5filter)."""


@dataclass(frozen=True, slots=True, eq=False)
class HitImage:
    """One hit, its file open."""

    number: int  # among the hits
    path: str
    index: int  # position in that file
    place: Place | None  # its place in HDF5; None for other formats
    counts: Counts | None = None  # for other formats


@dataclass(frozen=True, slots=True)
class FirstHit:
    """The first hit, whose shape and dtype all others must have."""

    shape: tuple[int, ...]  # of the image, as its file has it
    dtype: np.dtype[Any]
    hdf5: bool  # whether its file is HDF5
    frames: int  # in its file


@dataclass(slots=True)
class _Block:
    """Hits that are neighbours in one dataset."""

    file: str
    dataset: str
    shape: tuple[int, ...]  # of the whole dataset
    first: int  # position in the dataset
    count: int


def write_images(group: Any, hits: Hits, first: FirstHit, *, copy: bool) -> None:
    """Create the dataset ``data`` (hits, rows, cols); raise RunError where a hit is gone or has another shape."""
    if copy:
        _copy_images(group, hits, first)
    else:
        _link_images(group, hits, first)


def images_line(hits: Hits, *, copy: bool) -> str:
    """Return in words how many images a file of hits holds."""
    how = "copied" if copy else "in place"
    left_out = f", {hits.unreadable} unreadable ones left out" if hits.unreadable else ""
    return f"{len(hits)} images {how}{left_out}"


def first_hit(hits: Hits) -> FirstHit:
    """Look at the first hit without decoding HDF5; raise RunError where it is gone."""
    path, indices = next(hits.by_file())
    with closing(open_hit_file(path, Shared())) as source:
        shape, dtype = _shape_and_dtype(_image(source, 0, int(indices[0])))
        return FirstHit(shape, dtype, isinstance(source, HDF5Source), len(source))


def mask_of_first_hit(hits: Hits) -> NDArray[np.bool_]:
    """Read the first hit and return its mask (rows, cols); raise RunError where it is gone."""
    path, indices = next(hits.by_file())
    with closing(open_hit_file(path, Shared())) as source:
        return _read(source, int(indices[0])).mask


def _images_of(hits: Hits) -> Iterator[HitImage]:
    """Yield every hit while its file is open; raise RunError where one cannot be read any more."""
    shared, number = Shared(), 0
    for path, indices in hits.by_file():
        with closing(open_hit_file(path, shared)) as source:
            for index in map(int, indices):
                yield _image(source, number, index)
                number += 1


def _image(source: Source, number: int, index: int) -> HitImage:
    if isinstance(source, HDF5Source):
        return HitImage(number, source.path, index, _place(source, index))
    return HitImage(number, source.path, index, None, _read(source, index).counts)


def _place(source: HDF5Source, index: int) -> Place:
    place = source.place(index) if index < len(source) else None
    if place is None:
        raise RunError(
            f"{source.path} frame {index}: not there any more. Put it back, or screen the run again."
        )
    return place


def _read(source: Source, index: int) -> Frame:
    try:
        return source.read(index)
    except FrameError as error:
        raise RunError(f"{error} It could be read when it was screened.") from None


def _shape_and_dtype(image: HitImage) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if image.place is None:
        counts = np.asarray(image.counts)
        return counts.shape, counts.dtype
    dataset = image.place.dataset
    return tuple(dataset.shape if dataset.ndim == 2 else dataset.shape[1:]), dataset.dtype


def _check_same(image: HitImage, first: FirstHit) -> None:
    shape, dtype = _shape_and_dtype(image)
    if (shape, dtype) != (first.shape, first.dtype):
        raise RunError(
            f"{image.path} frame {image.index}: {shape} {dtype}, but the first hit is {first.shape} {first.dtype}. "
            "Screen each detector by itself for --nxmx and --cxi."
        )


def _link_images(group: Any, hits: Hits, first: FirstHit) -> None:
    import h5py

    layout = h5py.VirtualLayout((len(hits), *first.shape), first.dtype)
    folder = os.path.realpath(os.path.dirname(group.file.filename))  # noqa: PTH120  as HDF5 resolves it
    start = 0
    for block in _blocks(hits, first):
        # Relative, so that images and results stay together when the folder above them moves.
        file = in_virtual(os.path.relpath(block.file, folder))
        source = h5py.VirtualSource(file, in_virtual(block.dataset), block.shape, dtype=first.dtype)
        single = len(block.shape) == len(first.shape)
        selected = source if single else source[block.first : block.first + block.count]
        layout[start : start + block.count] = selected
        start += block.count
    group.create_virtual_dataset("data", layout, fillvalue=_fill_value(first.dtype))


def _blocks(hits: Hits, first: FirstHit) -> list[_Block]:
    """Return the hits as blocks of neighbours."""
    blocks: list[_Block] = []
    for image in _images_of(hits):
        _check_same(image, first)
        if image.place is None:
            raise RunError(f"{image.path}: is not HDF5, so nothing can point into it. Add --copy.")
        dataset, position = image.place.dataset, image.place.position
        file = os.path.realpath(dataset.file.filename)
        last = blocks[-1] if blocks else None
        if last and (last.file, last.dataset, last.first + last.count) == (file, dataset.name, position):
            last.count += 1
        else:
            blocks.append(_Block(file, dataset.name, tuple(dataset.shape), position, 1))
    return blocks


def _copy_images(group: Any, hits: Hits, first: FirstHit) -> None:
    """Copy each image: its packed chunk where it has the first hit's filters, else its counts, which are repacked."""
    target = None
    for image in _images_of(hits):
        if target is None:
            target = _create_packed(group, image, len(hits), first)
        _check_same(image, first)
        try:
            _copy_image(target, image)
        except HDF5_ERRORS as error:
            raise RunError(
                f"{image.path} frame {image.index}: cannot be copied ({error}). Screen the run again."
            ) from None


def _create_packed(group: Any, image: HitImage, hits: int, first: FirstHit) -> Any:
    """Create the dataset with the filters of the first hit, or with bitshuffle-LZ4 where a chunk is not a frame."""
    import h5py
    import hdf5plugin

    shape, chunk = (hits, *first.shape), (1, *first.shape)
    if image.place is not None and _chunk_is_frame(image.place.dataset):
        source = image.place.dataset
        packing = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        packing.set_chunk(chunk)
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


def _fill_value(dtype: np.dtype[Any]) -> Any:
    """Return what a reader gets where a source is missing: a value that every reader masks."""
    if dtype.kind == "u":
        return np.iinfo(dtype).max
    return -1 if dtype.kind == "i" else np.nan
