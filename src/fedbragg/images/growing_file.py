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

    @property
    def promised(self) -> int | None:
        """Return the number of images that it will hold; None if unknown."""
        ...

    def refresh(self) -> None:
        """Look for new frames; raise RunError."""
        ...

    def frames_written(self, start: int) -> int:
        """Return the number of frames before the first that is missing, those before ``start`` are assumed present."""
        ...

    def paths(self) -> list[str]:
        """Return the file and those that hold its frames, as far as they exist."""
        ...


def open_growing(path: str, cache: RunCache) -> Source:
    """Open a file that may still be written; raise RunError."""
    return HDF5Source(path, cache, open_swmr) if is_hdf5(path) else open_source(path, cache)


class GrowingFile:
    """The number of frames read from one file, and whether more will come."""

    def __init__(self, path: str, cache: RunCache) -> None:
        self.requested = 0  # frames
        self.finished = False
        self.path = path
        self._cache = cache
        self._source: Source | None = None  # None before the file can be opened

    def new_requests(self) -> Iterator[FrameRequest]:
        """Yield the frames that have arrived since the last call; set ``finished`` when no other will."""
        try:
            source, closed = self._refreshed()
        except RunError:
            return  # half written, or locked by its writer
        written = source.frames_written(self.requested) if isinstance(source, GrowingSource) else len(source)
        for index in range(self.requested, written):
            yield FrameRequest(source, index)
        self.requested = max(self.requested, written)
        promised = source.promised if closed and isinstance(source, GrowingSource) else None
        if closed and written == len(source) and written >= (promised or 0):
            self.finished, self._source = True, None

    def give_up(self) -> Iterator[FrameRequest]:
        """Stop waiting for the writer; yield the frames after the first that is missing, it too, to be reported.

        A file that never became readable is reported as one frame.
        """
        self.finished = True
        source, self._source = self._source, None
        if source is None and self.requested == 0:
            source = LazySource(self.path, partial(open_source, cache=self._cache))
        if source is not None:
            for index in range(self.requested, len(source)):
                self.requested += 1
                yield FrameRequest(source, index)

    def _refreshed(self) -> tuple[Source, bool]:
        """Return the file as it is now, and whether its writers had closed it before that; raise RunError.

        Asked after the frames are counted, a writer could have added the last ones in between.
        """
        if self._source is None:
            self._source = open_growing(self.path, self._cache)
        if not isinstance(self._source, GrowingSource):
            return self._source, True
        closed = all(map(writer_has_closed, self._source.paths()))
        self._source.refresh()
        return self._source, closed
