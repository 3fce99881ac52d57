"""The datasets behind a file's frames: its own, those of data files, those that a virtual dataset gathers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fedbragg.images.chunks import ChunkReader, chunk_reader
from fedbragg.images.layout import open_file
from fedbragg.images.plain import with_room


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
    parts = sorted((source.vspace.get_select_bounds(), source) for source in dataset.virtual_sources())
    position, total = 0, int(dataset.shape[0])
    for (start, end), source in parts:
        first, last = int(start[0]), min(int(end[0]), total - 1)
        if first > position:
            yield Segment(f"{dataset.name}, frames that no file holds", None, 0, first - position)
        if last < max(first, position):
            continue
        yield _source(dataset, source, last - first + 1, open_files)
        position = last + 1
    if position < total:
        yield Segment(f"{dataset.name}, frames that no file holds", None, 0, total - position)


def _source(dataset: Any, source: Any, count: int, open_files: dict[str, Any]) -> Segment:
    name, inside = source.file_name, source.dset_name
    address = f"{name}:{inside}"
    try:
        if name == ".":
            file = dataset.file
        else:
            folder = os.path.dirname(dataset.file.filename)  # noqa: PTH120  as HDF5 resolves it
            path = os.path.join(folder, name)  # noqa: PTH118
            if path not in open_files:
                open_files[path] = open_file(path)
            file = open_files[path]
        target = file[inside]
        first = int(source.src_space.get_select_bounds()[0][0])
    except (OSError, KeyError, RuntimeError):
        return Segment(address, None, 0, count)
    if target.shape[1:] != dataset.shape[1:] or first + count > target.shape[0]:
        return Segment(f"{address}, whose shape {target.shape} does not fit", None, 0, count)
    return _plain(address, target, first, count)
