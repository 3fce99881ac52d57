"""The datasets behind a file's frames: its own, those of data files, those that a virtual dataset gathers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from fedbragg.images.hdf5.chunks import ChunkReader, chunk_reader
from fedbragg.images.hdf5.fallback import with_room
from fedbragg.images.hdf5.layout import open_file
from fedbragg.images.hdf5.links import from_virtual

MOST_FRAMES, MOST_PIXELS = 10**8, 2**31
"""What no detector writes into one dataset, but a damaged header may claim."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames that follow one another in one dataset."""

    address: str  # file and name, for messages
    dataset: Any  # None where the link leads nowhere
    first: int  # position in the dataset of the segment's first frame
    count: int  # number of frames
    chunks: ChunkReader | None = None  # the way past HDF5's own filters, where there is one


def segments_of(address: str, dataset: Any, open_files: dict[str, Any]) -> list[Segment]:
    """Return the segments of an image dataset; files opened on the way are kept in ``open_files``.

    A missing dataset counts as one frame, so that it is reported. A virtual dataset would give zeros for a source
    that is missing, so its sources are opened here one by one.
    """
    if dataset is None:
        return [Segment(address, None, 0, 1)]
    if dataset.shape[0] > MOST_FRAMES or prod(dataset.shape[1:]) > MOST_PIXELS:
        raise ValueError(f"{address} claims the shape {dataset.shape}")
    if dataset.ndim == 2:
        return [Segment(address, dataset, 0, 1)]
    if dataset.is_virtual:
        return list(_virtual(dataset, open_files))
    return [_plain(address, dataset, 0, int(dataset.shape[0]))]


def _plain(address: str, dataset: Any, first: int, count: int) -> Segment:
    chunks = chunk_reader(dataset)
    return Segment(address, dataset if chunks else with_room(dataset), first, count, chunks)


def _virtual(dataset: Any, open_files: dict[str, Any]) -> Iterator[Segment]:
    """Yield a virtual dataset's sources in the order of the frames, and gaps between them as missing."""
    sources = [_Source(source, dataset) for source in dataset.virtual_sources()]
    if not all(source.whole for source in sources):
        yield _mosaic(dataset, sources, open_files)
        return
    position, total = 0, int(dataset.shape[0])
    for source in sorted(sources, key=lambda source: source.start):
        if source.start > position:
            yield _gap(dataset, source.start - position)
        if source.start >= position and source.count > 0:
            yield _part(dataset, source, open_files)
            position = source.start + source.count
    if position < total:
        yield _gap(dataset, total - position)


class _Source:
    """What a virtual dataset says of one of its sources."""

    def __init__(self, source: Any, dataset: Any) -> None:
        import h5py

        start, end = source.vspace.get_select_bounds()
        self.file, self.name = from_virtual(source.file_name), from_virtual(source.dset_name)
        self.start = int(start[0])
        self.count = min(int(end[0]), int(dataset.shape[0]) - 1) - self.start + 1
        everything = source.src_space.get_select_type() == h5py.h5s.SEL_ALL
        self.first = 0 if everything else int(source.src_space.get_select_bounds()[0][0])
        self.whole = not any(start[1:]) and tuple(int(last) + 1 for last in end[1:]) == dataset.shape[1:]


def _gap(dataset: Any, count: int) -> Segment:
    return Segment(f"{dataset.name}, frames that no file holds", None, 0, count)


def _mosaic(dataset: Any, sources: list[_Source], open_files: dict[str, Any]) -> Segment:
    """Leave frames put together from several files to HDF5, when all of them are there."""
    for source in sources:
        if _target(dataset, source, open_files) is None:
            return Segment(f"{source.file}:{source.name}", None, 0, int(dataset.shape[0]))
    return Segment(dataset.name, dataset, 0, int(dataset.shape[0]))


def _part(dataset: Any, source: _Source, open_files: dict[str, Any]) -> Segment:
    address = f"{source.file}:{source.name}"
    target = _target(dataset, source, open_files)
    if target is None:
        return Segment(address, None, 0, source.count)
    if target.shape == dataset.shape[1:] and source.count == 1:
        return Segment(address, target, 0, 1)  # a file of one picture without an axis of frames
    if target.shape[1:] != dataset.shape[1:] or source.first + source.count > target.shape[0]:
        return Segment(f"{address}, whose shape {target.shape} does not fit", None, 0, source.count)
    return _plain(address, target, source.first, source.count)


def _target(dataset: Any, source: _Source, open_files: dict[str, Any]) -> Any:
    """Return the dataset that a source names, or None where it is not there."""
    folder = os.path.dirname(dataset.file.filename)  # noqa: PTH120  as HDF5 resolves it
    path = os.path.join(folder, source.file)  # noqa: PTH118
    try:
        if source.file != "." and path not in open_files:
            open_files[path] = open_file(path)
        return (dataset.file if source.file == "." else open_files[path])[source.name]
    except (OSError, KeyError, RuntimeError):
        return None
