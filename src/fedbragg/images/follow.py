"""A run that is still being written: its frames as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from fedbragg.errors import RunError
from fedbragg.images.ordered_map import ahead
from fedbragg.images.paths import STACKS, Paths, expand, extension
from fedbragg.images.run import FileRun, Reading, Task, UnopenedSource, attempt, mapped, open_source
from fedbragg.images.source import Shared, Source
from fedbragg.types import Frame, Geometry, Result, Unreadable

POLL = 0.1
"""Seconds between two looks at the disk."""
FLAGS = 11
"""Where a version 3 superblock marks that a writer has the file open (HDF5 format specification, II.A)."""


@runtime_checkable
class Growing(Source, Protocol):
    """A file that can become longer while it is open."""

    def refresh(self) -> None:
        """Look again for frames."""
        ...

    def written(self) -> int:
        """Return the number of frames before the first that is not there yet."""
        ...


@dataclass(slots=True)
class _Progress:
    """How far one file has been read."""

    given: int = 0  # frames handed out
    done: bool = False  # nothing more will come
    source: Source | None = None  # once it can be opened


@dataclass(slots=True)
class FollowedRun:
    """Files, a folder or a glob in which frames still arrive.

    ``frames`` ends when the writer of every file has closed it, or, with a folder or glob, when nothing has come for
    ``patience`` seconds. Only HDF5 written in SWMR mode can be read before it is closed.
    """

    paths: Paths
    reading: Reading
    patience: float  # seconds without a new frame after which the run is taken to be over
    shared: Shared = field(default_factory=Shared)

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of the first file, empty while there is none."""
        try:
            return self._so_far().geometry
        except RunError:
            return Geometry()

    def __len__(self) -> int:
        """Return the number of frames that are there at present."""
        try:
            return len(self._so_far())
        except RunError:
            return 0

    def __getitem__(self, position: int) -> Frame:
        """Return a frame that is there already, by its position in the run."""
        return self._so_far()[position]

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame | Unreadable]:
        """Yield the frames in order as they come; raise RunError when none came at all."""
        workers, depth = self.reading.resolved()
        return ahead(attempt, self._tasks(start, stop), workers, depth)

    def map(
        self, work: Callable[[Frame | Unreadable], Result], threads: int, start: int = 0
    ) -> Iterator[Result]:
        """Yield ``work`` of every frame in order as they come; see FileRun.map."""
        return mapped(work, self._tasks(start, None), threads)

    def _so_far(self) -> FileRun:
        return FileRun(expand(self.paths), self.reading, live=True)

    def _tasks(self, start: int, stop: int | None) -> Iterator[Task | None]:
        progress: dict[str, _Progress] = {}
        position, latest = 0, time.monotonic()
        while True:
            news = False
            for task in self._new(progress):
                if stop is not None and position >= stop:
                    return
                if position >= start:
                    yield task
                position, news = position + 1, True
            if progress and self._fixed() and all(file.done for file in progress.values()):
                return
            yield None
            latest = time.monotonic() if news else latest
            if time.monotonic() - latest > self.patience:
                stuck = next((path for path, file in progress.items() if not file.done), None)
                if stuck is None:
                    break
                yield from self._given_up(stuck, progress[stuck])
                latest = time.monotonic()
            time.sleep(POLL)
        if position == 0:
            raise RunError(
                f"{self.paths}: no frame came within {self.patience:g} s. Check the path and its writer."
            )

    def _new(self, progress: dict[str, _Progress]) -> Iterator[Task]:
        """Yield the frames that have come since the last look, file by file, as far as they are whole."""
        for path in self._files():
            file = progress.setdefault(path, _Progress())
            if not file.done:
                yield from self._advance(path, file)
            if not file.done:
                return  # what follows waits, so that the order holds

    def _given_up(self, path: str, file: _Progress) -> Iterator[Task]:
        """Report a file that never became readable; one whose writer fell silent is just over."""
        file.done = True
        if file.given == 0:
            yield Task(path, 0, UnopenedSource(path, partial(open_source, shared=self.shared)))

    def _advance(self, path: str, file: _Progress) -> Iterator[Task]:
        closed = writer_is_done(path)  # asked before counting, or the last frames might be missed
        try:
            if file.source is None:
                file.source = open_source(path, self.shared, live=True)
            elif isinstance(file.source, Growing):
                file.source.refresh()
        except RunError:
            return  # half written, or locked by its writer
        there = file.source.written() if isinstance(file.source, Growing) else len(file.source)
        for index in range(file.given, there):
            yield Task(path, index, file.source)
        file.given = max(file.given, there)
        file.done = closed and there == len(file.source)
        if file.done:
            file.source = None

    def _files(self) -> list[str]:
        try:
            return expand(self.paths)
        except RunError:
            return []

    def _fixed(self) -> bool:
        """Tell whether the run's files were named, so that no other can come."""
        given = [self.paths] if isinstance(self.paths, str | Path) else self.paths
        return not any(Path(path).is_dir() or any(sign in str(path) for sign in "*?[") for path in given)


def writer_is_done(path: str) -> bool:
    """Tell whether no writer marks an HDF5 file as open; other formats are written at once."""
    if extension(path) not in STACKS:
        return True
    try:
        with Path(path).open("rb") as file:
            head = file.read(FLAGS + 1)
    except OSError:
        return False
    return len(head) > FLAGS and (head[8] < 3 or head[FLAGS] == 0)
