"""A run of files: their frames as one series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fedbragg.errors import FrameError, RunError
from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.frame_requests import (
    ReadAhead,
    map_frames,
    read_ahead,
    reason_without_path,
    threads_of_shared_file,
)
from fedbragg.images.packed_frame import Reduce
from fedbragg.images.registry import holds_single_frame, open_source
from fedbragg.images.run_files import RunFiles
from fedbragg.images.source import OpenSource, RunCache
from fedbragg.types import Frame, Geometry, Result, Unreadable


class FileRun:
    """The frames of several files in order; see the protocol ``Run``."""

    def __init__(
        self,
        paths: Sequence[str],
        reading: ReadAhead,
        open_source: OpenSource = open_source,
        *,
        panels: bool = False,
        reduce: Reduce | None = None,
    ) -> None:
        cache = RunCache(pool=BufferPool(spare=sum(reading.resolved())), panels=panels, reduce=reduce)
        self._reading = reading
        self._files = RunFiles(paths, lambda path: open_source(path, cache))
        if len(paths) == 1 and len(self._files.open(0)) == 0:
            raise RunError(f"{paths[0]}: holds no frame. Check that its writer got any.")

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of the first file that can be opened."""
        for number in range(len(self._files.paths)):
            try:
                return self._files.open(number).geometry
            except RunError:
                continue
        return Geometry()

    def __len__(self) -> int:
        """Return the number of frames; opens every file whose format may hold several."""
        return self._files.starts[-1]

    def __getitem__(self, position: int) -> Frame:
        """Return one frame by its position in the run; raise FrameError, or IndexError beyond the run."""
        number, index = self._files.find(position_in_run(position, len(self)))
        path = self._files.paths[number]
        try:
            source = self._files.open(number)
        except RunError as error:
            raise FrameError(path, 0, reason_without_path(error, path)) from None
        return source.read(index)

    @property
    def files(self) -> list[tuple[str, int]]:
        """Return every file with its number of frames, in order; counts as ``len`` does."""
        starts = self._files.starts
        return [(path, starts[i + 1] - starts[i]) for i, path in enumerate(self._files.paths)]

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame | Unreadable]:
        """Yield the frames in order; an unreadable one is yielded as such and the run continues."""
        return read_ahead(self._files.requests(start, stop), self._reading)

    def map(
        self,
        work: Callable[[Frame | Unreadable], Result],
        threads: int,
        start: int = 0,
        stop: int | None = None,
    ) -> Iterator[Result]:
        """Yield ``work`` of every frame in order, done in the thread that decoded it; one thread is the caller's.

        Where a file holds many frames, at most one thread more than there are cores works.
        """
        if not all(map(holds_single_frame, self._files.paths)):
            threads = threads_of_shared_file(threads)
        return map_frames(work, self._files.requests(start, stop), threads)


def position_in_run(position: int, length: int) -> int:
    """Return a position counted from 0, of one that may count from the end; raise IndexError beyond the run."""
    from_start = position + length if position < 0 else position
    if not 0 <= from_start < length:
        raise IndexError(f"frame {position} of a run of {length}")
    return from_start
