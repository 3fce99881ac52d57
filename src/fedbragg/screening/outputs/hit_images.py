"""Read the images of the hits again, from the files in which they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError, RunError
from fedbragg.images.hdf5.source import FrameLocation, HDF5Source
from fedbragg.images.source import RunCache, Source
from fedbragg.screening.outputs.hits import Hits, open_hit_file
from fedbragg.types import Counts, Frame


@dataclass(frozen=True, slots=True, eq=False)
class HitImage:
    """One hit, its file open."""

    number: int  # among the hits
    path: str
    index: int  # position in that file
    place: FrameLocation | None  # its place in HDF5; None for other formats
    counts: Counts | None = None  # for other formats


@dataclass(frozen=True, slots=True)
class FirstHit:
    """The first hit, whose shape and dtype all others must have."""

    shape: tuple[int, ...]  # of the image, as its file has it
    dtype: np.dtype[Any]
    hdf5: bool  # whether its file is HDF5
    frames: int  # in its file


def images_line(hits: Hits, *, copy: bool) -> str:
    """Return in words how many images a file of hits holds."""
    how = "copied" if copy else "in place"
    left_out = f", {hits.unreadable} unreadable ones left out" if hits.unreadable else ""
    return f"{len(hits)} images {how}{left_out}"


def first_hit(hits: Hits) -> FirstHit:
    """Look at the first hit without decoding HDF5; raise RunError where it is gone."""
    path, indices = next(hits.by_file())
    with closing(open_hit_file(path, RunCache())) as source:
        shape, dtype = _shape_and_dtype(_image(source, 0, int(indices[0])))
        return FirstHit(shape, dtype, isinstance(source, HDF5Source), len(source))


def mask_of_first_hit(hits: Hits) -> NDArray[np.bool_]:
    """Read the first hit and return its mask (rows, cols); raise RunError where it is gone."""
    path, indices = next(hits.by_file())
    with closing(open_hit_file(path, RunCache())) as source:
        return _read(source, int(indices[0])).mask


def images_of(hits: Hits, first: FirstHit) -> Iterator[HitImage]:
    """Yield every hit while its file is open; raise RunError where one is gone or unlike the first."""
    cache, number = RunCache(), 0
    for path, indices in hits.by_file():
        with closing(open_hit_file(path, cache)) as source:
            for index in map(int, indices):
                image = _image(source, number, index)
                _check_same(image, first)
                yield image
                number += 1


def _image(source: Source, number: int, index: int) -> HitImage:
    if isinstance(source, HDF5Source):
        return HitImage(number, source.path, index, _place(source, index))
    return HitImage(number, source.path, index, None, _read(source, index).counts)


def _place(source: HDF5Source, index: int) -> FrameLocation:
    place = source.locate(index) if index < len(source) else None
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
