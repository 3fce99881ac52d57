"""One file of a run that is still being written: the frames that have arrived since the last look."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol, runtime_checkable

from fedbragg.errors import RunError
from fedbragg.images.frame_requests import FrameRequest, LazySource
from fedbragg.images.hdf5.source import HDF5Source
from fedbragg.images.hdf5.swmr import open_swmr, writer_has_closed
from fedbragg.images.registry import is_hdf5, open_source
from fedbragg.images.source import RunCache, Source


@runtime_checkable
class GrowingSource(Source, Protocol):
    """An open file to which frames are still added."""

    def refresh(self) -> None:
        """Look for new frames; raise RunError."""
        ...

    def frames_written(self) -> int:
        """Return the number of frames before the first that is missing."""
        ...


def open_growing(path: str, cache: RunCache) -> Source:
    """Open a file that may still be written; raise RunError."""
    return HDF5Source(path, cache, open_swmr) if is_hdf5(path) else open_source(path, cache)


class GrowingFile:
    """How far one file has been read, and whether more will come."""

    def __init__(self, path: str, cache: RunCache) -> None:
        self.requested = 0  # frames
        self.finished = False
        self._path = path
        self._cache = cache
        self._source: Source | None = None  # None before the file can be opened

    def new_requests(self) -> Iterator[FrameRequest]:
        """Yield the frames that have arrived since the last call; set ``finished`` when no other will."""
        # Asked before the frames are counted; otherwise the last ones could be missed.
        closed = not is_hdf5(self._path) or writer_has_closed(self._path)
        try:
            source = self._open_or_refreshed()
        except RunError:
            return  # half written, or locked by its writer
        written = source.frames_written() if isinstance(source, GrowingSource) else len(source)
        for index in range(self.requested, written):
            yield FrameRequest(source, index)
        self.requested = max(self.requested, written)
        if closed and written == len(source):
            self.finished, self._source = True, None

    def give_up(self) -> Iterator[FrameRequest]:
        """Stop waiting for the writer; yield one frame to report a file that never became readable."""
        self.finished = True
        if self.requested == 0:
            self.requested = 1
            yield FrameRequest(LazySource(self._path, partial(open_source, cache=self._cache)), 0)

    def _open_or_refreshed(self) -> Source:
        if self._source is None:
            self._source = open_growing(self._path, self._cache)
        elif isinstance(self._source, GrowingSource):
            self._source.refresh()
        return self._source
