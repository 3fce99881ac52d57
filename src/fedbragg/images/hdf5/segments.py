"""The datasets behind a file's frames: its own, those of data files, those that a virtual dataset joins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from fedbragg.images.hdf5.chunks import ChunkReader, chunk_reader
from fedbragg.images.hdf5.fallback import with_chunk_cache
from fedbragg.images.hdf5.layout import ImageDataset
from fedbragg.images.hdf5.open import open_file
from fedbragg.images.hdf5.virtual import VirtualSource, sources_of

MOST_FRAMES, MOST_PIXELS = 10**8, 2**31
"""No detector writes more into one dataset; a damaged header may claim it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames that follow one another in one dataset."""

    address: str  # file and name, for messages
    dataset: Any  # None where it is missing
    first: int  # position of the segment's first frame in the dataset
    count: int  # number of frames
    chunks: ChunkReader | None = None  # reads without HDF5's own filters, where the layout allows it

    def frames_written(self, start: int) -> int:
        """Return the number of frames before the first missing one; those before ``start`` are assumed present.

        A writer may make a dataset as large as it will be and fill it later: then a frame's chunk may not exist yet.
        """
        if self.dataset is None or self.chunks is None:
            return 0 if self.dataset is None else self.count
        for position in range(start, self.count):
            if not self.chunks.is_written(self.first + position):
                return position
        return self.count


def segments_of(images: ImageDataset, open_files: dict[str, Any]) -> list[Segment]:
    """Return the segments of a dataset of images; files opened for them are added to ``open_files``.

    A missing dataset counts as one frame, so that it is reported. HDF5 would return zeros for a missing source of a
    virtual dataset, so its sources are opened here one by one. Raises ValueError for an impossible shape.
    """
    dataset = images.dataset
    if dataset is None:
        return [_missing(images.address, images.frames)]
    if dataset.shape[0] > MOST_FRAMES or prod(dataset.shape[1:]) > MOST_PIXELS:
        raise ValueError(f"{images.address} claims the shape {dataset.shape}")
    if dataset.ndim == 2:
        return [Segment(images.address, dataset, 0, 1)]
    if dataset.is_virtual:
        return list(_virtual_segments(dataset, open_files))
    return [_segment(images.address, dataset, 0, images.frames)]


def _segment(address: str, dataset: Any, first: int, count: int) -> Segment:
    chunks = chunk_reader(dataset)
    return Segment(address, dataset if chunks else with_chunk_cache(dataset), first, count, chunks)


def _missing(address: str, count: int) -> Segment:
    return Segment(address, None, 0, count)


def _virtual_segments(dataset: Any, open_files: dict[str, Any]) -> Iterator[Segment]:
    """Yield the sources of a virtual dataset in the order of the frames, and the gaps between them as missing."""
    sources = sources_of(dataset)
    if not all(source.whole for source in sources):
        yield _mosaic(dataset, sources, open_files)
        return
    position, total = 0, int(dataset.shape[0])
    for source in sources:
        if source.start > position:
            yield _gap(dataset, source.start - position)
        if source.start >= position and source.count > 0:
            yield _source_segment(dataset, source, open_files)
            position = source.start + source.count
    if position < total:
        yield _gap(dataset, total - position)


def _gap(dataset: Any, count: int) -> Segment:
    return _missing(f"{dataset.name}, frames that no file holds", count)


def _mosaic(dataset: Any, sources: list[VirtualSource], open_files: dict[str, Any]) -> Segment:
    """Return frames joined from parts in several sources: HDF5 reads them, if no source is missing."""
    for source in sources:
        if _opened(dataset, source, open_files) is None:
            return _missing(source.address, int(dataset.shape[0]))
    return Segment(dataset.name, dataset, 0, int(dataset.shape[0]))


def _source_segment(dataset: Any, source: VirtualSource, open_files: dict[str, Any]) -> Segment:
    found = _opened(dataset, source, open_files)
    if found is None:
        return _missing(source.address, source.count)
    if found.shape == dataset.shape[1:] and source.count == 1:
        return Segment(source.address, found, 0, 1)  # a single image without an axis of frames
    if found.shape[1:] != dataset.shape[1:] or source.first + source.count > found.shape[0]:
        return _missing(f"{source.address}, whose shape {found.shape} does not fit", source.count)
    return _segment(source.address, found, source.first, source.count)


def _opened(dataset: Any, source: VirtualSource, open_files: dict[str, Any]) -> Any:
    """Return the dataset that a source names, or None where it is missing."""
    folder = os.path.dirname(dataset.file.filename)  # noqa: PTH120  as HDF5 resolves it
    path = os.path.join(folder, source.file)  # noqa: PTH118
    try:
        if source.file != "." and path not in open_files:
            open_files[path] = open_file(path)
        return (dataset.file if source.file == "." else open_files[path])[source.name]
    except (OSError, KeyError, RuntimeError):
        return None
