"""Frames read in order: decoded ahead of their consumer, or given to a function in the thread that decodes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fedbragg.errors import FrameError, RunError
from fedbragg.images.source import Source
from fedbragg.ordered_map import ordered_map
from fedbragg.types import Frame, Geometry, Result, Unreadable

RESULTS_PER_THREAD = 8
"""Results of ``map_frames`` that wait or are being computed for each thread, so that a slow frame stops no thread."""


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """How many frames are decoded before they are asked for, and by how many threads."""

    workers: int | None = None  # threads; 0 decodes in the consumer's own; None is one a core, at most 8
    depth: int | None = None  # frames decoded before they are asked for; None is one more than the workers

    def resolved(self) -> tuple[int, int]:
        """Return the numbers of workers and of frames; on a single core the consumer decodes."""
        cores = len(os.sched_getaffinity(0))
        workers = min(8, cores if cores > 1 else 0) if self.workers is None else self.workers
        return workers, workers + 1 if self.depth is None else self.depth


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """One frame to be read."""

    source: Source
    index: int  # position in the source


class LazySource:
    """A file that is opened whenever a frame of it is read, by the thread that reads it."""

    def __init__(self, path: str, open_file: Callable[[str], Source]) -> None:
        self.path = path
        self.geometry = Geometry()
        self._open_file = open_file

    def __len__(self) -> int:
        """Return 1, as every file that is not counted has one frame, or is reported once."""
        return 1

    def read(self, index: int) -> Frame:
        """Open the file and return the frame, or raise FrameError."""
        try:
            source = self._open_file(self.path)
        except RunError as error:
            raise FrameError(self.path, index, reason_without_path(error, self.path)) from None
        if len(source) == 0:
            raise FrameError(self.path, index, "holds no frame. Check that its writer got any.")
        if index >= len(source):
            raise FrameError(
                self.path, index, f"holds only {len(source)} frames now. It was replaced: open the run again."
            )
        return source.read(index)

    def close(self) -> None:
        """Do nothing: the file is open only while it is read."""


def read_frame(request: FrameRequest) -> Frame | Unreadable:
    """Return the frame, or why it cannot be read."""
    try:
        return request.source.read(request.index)
    except FrameError as error:
        return Unreadable(error.path, error.index, error.reason, error.event)


def read_ahead(requests: Iterable[FrameRequest | None], settings: ReadAhead) -> Iterator[Frame | Unreadable]:
    """Yield the requested frames in order, decoded ahead; a request of None means that no frame has come yet."""
    workers, depth = settings.resolved()
    return ordered_map(read_frame, requests, workers, depth)


def map_frames(
    work: Callable[[Frame | Unreadable], Result], requests: Iterable[FrameRequest | None], threads: int
) -> Iterator[Result]:
    """Yield ``work`` of every requested frame in order; no more frames are in memory than there are threads."""
    workers = threads if threads > 1 else 0
    return ordered_map(
        lambda request: work(read_frame(request)), requests, workers, RESULTS_PER_THREAD * threads
    )


def threads_of_shared_file(threads: int) -> int:
    """Return how many of these threads can work on frames that lie many in a file: one more than there are cores.

    HDF5 reads for one thread at a time, so one thread reads while each core has a frame. Any more threads only take
    memory, and throw each other's frames out of the processor's caches.
    """
    return min(threads, len(os.sched_getaffinity(0)) + 1)


def reason_without_path(error: RunError, path: str) -> str:
    """Return a RunError's text after the path."""
    return str(error).removeprefix(f"{path}: ")
