"""A run: the frames of several files as one series, decoded ahead and in order."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path

from fedbragg.errors import FrameError, RunError
from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.ordered_map import ahead
from fedbragg.images.paths import ARRAYS, PICTURES, SEVERAL_FRAMES, STACKS, Paths, expand, extension
from fedbragg.images.source import Shared, Source
from fedbragg.types import Frame, Geometry, Result, Run, Unreadable

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Reading:
    """How frames are decoded ahead of their consumer."""

    workers: int | None = None  # threads that decode; 0: the consumer's own; None: one a core, at most 8
    depth: int | None = None  # frames decoded before they are asked for; None: one more than the workers

    def resolved(self) -> tuple[int, int]:
        """Return the number of workers and of frames ahead; a single core is left to the consumer."""
        cores = len(os.sched_getaffinity(0))
        workers = min(8, cores if cores > 1 else 0) if self.workers is None else self.workers
        return workers, workers + 1 if self.depth is None else self.depth


@dataclass(frozen=True, slots=True)
class Task:
    """One frame to be read; its file is opened in the thread that reads it, unless it is open."""

    path: str
    index: int
    source: Source


def open_run(
    paths: Paths, *, follow: bool = False, patience: float = 30.0, reading: Reading | None = None
) -> Run:
    """Open files, globs or folders of detector images as one run.

    With ``follow`` the run may still be written: its frames are yielded as they come, until the writer closes its
    file or nothing has come for ``patience`` seconds. Raises RunError when nothing is there, or when the run's only
    file cannot be opened.
    """
    if follow:
        from fedbragg.images.follow import FollowedRun

        return FollowedRun(paths, reading or Reading(), patience)
    return FileRun(expand(paths), reading or Reading())


class FileRun:
    """Frames of several files in order; a file is opened when the run comes to it."""

    def __init__(self, files: list[str], reading: Reading, *, live: bool = False) -> None:
        self._files = files
        self._reading = reading
        self._live = live
        workers, depth = reading.resolved()
        self._shared = Shared(pool=BufferPool(spare=workers + depth))
        self._starts: list[int] | None = None
        self._last: tuple[int, Source] | None = None
        if len(files) == 1 and len(self._source(0)) == 0:
            raise RunError(f"{files[0]}: holds no frame. Check that its writer got any.")

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of the first file that can be opened."""
        for number in range(len(self._files)):
            try:
                return self._source(number).geometry
            except RunError:
                continue
        return Geometry()

    def __len__(self) -> int:
        """Return the number of frames; looks into every file that may hold several."""
        return self._counted()[-1]

    def __getitem__(self, position: int) -> Frame:
        """Return one frame by its position in the run, or raise FrameError."""
        total = len(self)
        at = position + total if position < 0 else position
        if not 0 <= at < total:
            raise IndexError(f"frame {position} of a run of {total}")
        number = bisect_right(self._counted(), at) - 1
        try:
            source = self._source(number)
        except RunError as error:
            raise FrameError(self._files[number], 0, _reason(error, self._files[number])) from None
        return source.read(at - self._counted()[number])

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame | Unreadable]:
        """Yield the frames in order; an unreadable one is yielded as such and the run goes on."""
        workers, depth = self._reading.resolved()
        return ahead(attempt, self._tasks(start, stop), workers, depth)

    def map(
        self, work: Callable[[Frame | Unreadable], Result], threads: int, start: int = 0
    ) -> Iterator[Result]:
        """Yield ``work`` of every frame in order, done in the thread that decoded it; one thread is the caller's."""
        return mapped(work, self._tasks(start, None), threads)

    def _tasks(self, start: int, stop: int | None) -> Iterator[Task]:
        position = 0
        for number, path in enumerate(self._files):
            if stop is not None and position >= stop:
                return
            source: Source = self._unopened(number) if holds_one(path) else self._open_or_unopened(number)
            length = self._length(number, source)
            for index in range(max(0, start - position), length):
                if stop is not None and position + index >= stop:
                    return
                yield Task(path, index, source if index < len(source) else self._unopened(number))
            position += length

    def _length(self, number: int, source: Source) -> int:
        """Return how many frames a file counts as: as many as when they were counted, though it be gone since."""
        if self._starts is None:
            return len(source)
        return self._starts[number + 1] - self._starts[number]

    def _unopened(self, number: int) -> Source:
        return UnopenedSource(self._files[number], partial(open_source, shared=self._shared))

    def _open_or_unopened(self, number: int) -> Source:
        """Return a file that holds several frames, or one that fails when it is read."""
        try:
            return self._source(number)
        except RunError:
            return self._unopened(number)

    def _source(self, number: int) -> Source:
        if self._last is None or self._last[0] != number:
            self._last = (number, open_source(self._files[number], self._shared, live=self._live))
        return self._last[1]

    def _counted(self) -> list[int]:
        """Return the position of each file's first frame, and the number of frames at the end."""
        if self._starts is None:
            lengths = (
                1 if holds_one(path) else len(self._open_or_unopened(number))
                for number, path in enumerate(self._files)
            )
            self._starts = [0, *accumulate(lengths)]
        return self._starts


class UnopenedSource:
    """A file that is opened when a frame of it is read, in the thread that reads it: it has one, or is gone."""

    def __init__(self, path: str, opener: Callable[[str], Source]) -> None:
        self.path = path
        self.geometry = Geometry()
        self._opener = opener

    def __len__(self) -> int:
        """Return 1."""
        return 1

    def read(self, index: int) -> Frame:
        """Return the frame, or raise FrameError."""
        try:
            source = self._opener(self.path)
        except RunError as error:
            raise FrameError(self.path, index, _reason(error, self.path)) from None
        if len(source) == 0:
            raise FrameError(self.path, index, "holds no frame. Check that its writer got any.")
        if index >= len(source):
            raise FrameError(self.path, index, f"holds only {len(source)} frames now. Was it written anew?")
        return source.read(index)

    def close(self) -> None:
        """Do nothing, for nothing is open."""


IN_FLIGHT = 8
"""Results of ``map`` waiting or worked on for each thread, so that a slow frame holds no thread up."""


def mapped(
    work: Callable[[Frame | Unreadable], Result], tasks: Iterable[Task | None], threads: int
) -> Iterator[Result]:
    """Yield ``work`` of every task's frame in order; only as many frames are in memory as there are threads."""
    workers = threads if threads > 1 else 0
    return ahead(lambda task: work(attempt(task)), tasks, workers, IN_FLIGHT * threads)


def attempt(task: Task) -> Frame | Unreadable:
    """Return a task's frame, or what kept it from being read."""
    try:
        return task.source.read(task.index)
    except FrameError as error:
        return Unreadable(error.path, error.index, error.reason, error.event)


def _reason(error: RunError, path: str) -> str:
    return str(error).removeprefix(f"{path}: ")


def open_source(path: str, shared: Shared, *, live: bool = False) -> Source:
    """Open one file by its extension, or by its first bytes where the extension is unknown; raise RunError."""
    if Path(path).exists() and not os.access(path, os.R_OK):
        raise RunError(f"{path}: no permission to read it. Ask its owner, or change its access rights.")
    kind = extension(path)
    if kind in ARRAYS:
        from fedbragg.images.files.numpy_source import ArraySource

        return ArraySource(path, shared)
    if kind in STACKS or (kind not in PICTURES and starts_like_hdf5(path)):
        from fedbragg.images.hdf5.source import HDF5Source

        return HDF5Source(path, shared, live=live)
    if kind == ".cbf":
        from fedbragg.images.files.cbf import CBFSource

        return CBFSource(path, shared)
    from fedbragg.images.files.fabio_source import PictureSource

    return PictureSource(path, shared)


def holds_one(path: str) -> bool:
    """Tell whether a file's format holds one frame, so that it need not be opened to be counted."""
    kind = extension(path)
    return kind in PICTURES and kind not in SEVERAL_FRAMES


def starts_like_hdf5(path: str) -> bool:
    """Tell whether a file's first bytes are HDF5's, whatever its extension."""
    try:
        with Path(path).open("rb") as file:
            return file.read(8) == HDF5_SIGNATURE
    except OSError:
        return False
