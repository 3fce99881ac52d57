"""A run: the frames of several files as one series, decoded ahead and in order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fedbragg.errors import FrameError, RunError
from fedbragg.images.ahead import ahead
from fedbragg.images.paths import ARRAYS, PICTURES, SEVERAL_FRAMES, STACKS, Paths, expand, extension
from fedbragg.images.pool import BufferPool
from fedbragg.images.source import Shared, Source
from fedbragg.types import Frame, Geometry, Run, Unreadable

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Reading:
    """How frames are decoded ahead of their consumer."""

    workers: int = 0  # threads that decode; 0: as many as the process may use cores, at most 8
    depth: int = 0  # frames decoded before they are asked for; 0: one more than the workers

    def resolved(self) -> tuple[int, int]:
        """Return the number of workers and of frames ahead."""
        workers = self.workers or min(8, len(os.sched_getaffinity(0)))
        return workers, self.depth or workers + 1


def open_run(paths: Paths, *, follow: bool = False, reading: Reading | None = None) -> Run:
    """Open files, globs or folders of detector images as one run.

    Raises RunError when nothing is there, or when the run's only file cannot be opened.
    """
    if follow:
        raise NotImplementedError("following a run that is still being written comes next")
    return FileRun(expand(paths), reading or Reading())


class FileRun:
    """Frames of several files in order; a file is opened when the run comes to it."""

    def __init__(self, files: list[str], reading: Reading) -> None:
        self._files = files
        self._reading = reading
        workers, depth = reading.resolved()
        self._shared = Shared(pool=BufferPool(spare=workers + depth))
        self._lengths: list[int] | None = None
        self._last: tuple[int, Source] | None = None
        if len(files) == 1:
            source = self._source(0)
            if len(source) == 0:
                raise RunError(f"{files[0]}: holds no frame. Check that its writer got any.")

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of the first file that can be opened."""
        for position in range(len(self._files)):
            try:
                return self._source(position).geometry
            except RunError:
                continue
        return Geometry()

    def __len__(self) -> int:
        """Return the number of frames; looks into every file that may hold several."""
        return sum(self._counted())

    def __getitem__(self, position: int) -> Frame:
        """Return one frame by its position in the run, or raise FrameError."""
        total = len(self)
        at = position + total if position < 0 else position
        if not 0 <= at < total:
            raise IndexError(f"frame {position} of a run of {total}")
        for number, length in enumerate(self._counted()):
            if at < length:
                return self._read(number, at)
            at -= length
        raise IndexError(f"frame {position} of a run of {total}")

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame | Unreadable]:
        """Yield the frames in order; an unreadable one is yielded as such and the run goes on."""
        workers, depth = self._reading.resolved()
        return ahead(self._attempt, self._tasks(start, stop), workers, depth)

    def _tasks(self, start: int, stop: int | None) -> Iterator[tuple[int, int, Source | None]]:
        """Yield file number, index in the file, and the open file where it holds several frames."""
        position = 0
        for number in range(len(self._files)):
            if stop is not None and position >= stop:
                return
            source = self._open_stack(number)
            length = 1 if source is None else len(source)
            for index in range(max(0, start - position), length):
                if stop is not None and position + index >= stop:
                    return
                yield number, index, source
            position += length

    def _open_stack(self, number: int) -> Source | None:
        if _single(self._files[number]):
            return None
        try:
            return self._source(number)
        except RunError:
            return None

    def _attempt(self, task: tuple[int, int, Source | None]) -> Frame | Unreadable:
        number, index, source = task
        try:
            return source.read(index) if source is not None else self._read(number, index)
        except FrameError as error:
            return Unreadable(error.path, error.index, error.reason)

    def _read(self, number: int, index: int) -> Frame:
        path = self._files[number]
        try:
            source = open_source(path, self._shared) if _single(path) else self._source(number)
        except RunError as error:
            raise FrameError(path, index, str(error).removeprefix(f"{path}: ")) from None
        return source.read(index)

    def _source(self, number: int) -> Source:
        if self._last is None or self._last[0] != number:
            self._last = (number, open_source(self._files[number], self._shared))
        return self._last[1]

    def _counted(self) -> list[int]:
        if self._lengths is None:
            self._lengths = [self._count(number) for number in range(len(self._files))]
        return self._lengths

    def _count(self, number: int) -> int:
        source = self._open_stack(number)
        return 1 if source is None else len(source)


def open_source(path: str, shared: Shared) -> Source:
    """Open one file by its extension, or by its first bytes where the extension is unknown; raise RunError."""
    kind = extension(path)
    if kind in ARRAYS:
        from fedbragg.images.arrays import ArraySource

        return ArraySource(path, shared)
    if kind in STACKS or (kind not in PICTURES and _starts_like_hdf5(path)):
        from fedbragg.images.stack import HDF5Source

        return HDF5Source(path, shared)
    if kind == ".cbf":
        from fedbragg.images.cbf import CBFSource

        return CBFSource(path, shared)
    from fedbragg.images.pictures import PictureSource

    return PictureSource(path, shared)


def _single(path: str) -> bool:
    """Tell whether a file's format holds one frame, so that it need not be opened to be counted."""
    kind = extension(path)
    return kind in PICTURES and kind not in SEVERAL_FRAMES


def _starts_like_hdf5(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return file.read(8) == HDF5_SIGNATURE
    except OSError:
        return False
