"""A run that is still being written: its frames as they arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fedbragg.errors import RunError
from fedbragg.images.frame_requests import (
    FrameRequest,
    ReadAhead,
    map_frames,
    read_ahead,
    threads_of_shared_file,
)
from fedbragg.images.growing_file import GrowingFile, open_growing
from fedbragg.images.paths import Paths, expand, is_glob
from fedbragg.images.run import FileRun
from fedbragg.images.source import RunCache
from fedbragg.types import Frame, Geometry, Result, Unreadable

POLL = 0.1
"""Seconds between two looks at the disk."""
SHARE = 4
"""Or this many times the duration of the last check, which lists a folder of any size."""


@dataclass(slots=True)
class FollowedRun:
    """Files, a folder or a glob in which frames still arrive; see the protocol ``Run``.

    ``frames`` ends when the writer of every named file has closed it, or, with a folder or glob, when nothing has
    arrived for ``patience`` seconds. HDF5 can be read before it is closed only if its writer uses SWMR.
    """

    paths: Paths
    reading: ReadAhead
    patience: float  # seconds without a new frame after which the run is over
    cache: RunCache = field(default_factory=RunCache)
    given_up: list[str] = field(default_factory=list)  # files that nobody completed in that time

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of the first file, empty before there is one."""
        try:
            return self._run_so_far().geometry
        except RunError:
            return Geometry()

    def __len__(self) -> int:
        """Return the number of frames that have arrived."""
        try:
            return len(self._run_so_far())
        except RunError:
            return 0

    def __getitem__(self, position: int) -> Frame:
        """Return a frame that has arrived, by its position in the run; raise FrameError or RunError."""
        return self._run_so_far()[position]

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame | Unreadable]:
        """Yield the frames in order as they arrive; raise RunError when none ever does."""
        return read_ahead(_part(self.requests(), start, stop), self.reading)

    def map(
        self,
        work: Callable[[Frame | Unreadable], Result],
        threads: int,
        start: int = 0,
        stop: int | None = None,
    ) -> Iterator[Result]:
        """Yield ``work`` of every frame in order as they arrive; see FileRun.map."""
        return map_frames(work, _part(self.requests(), start, stop), threads_of_shared_file(threads))

    def _run_so_far(self) -> FileRun:
        return FileRun(expand(self.paths), self.reading, open_growing)

    def requests(self) -> Iterator[FrameRequest | None]:
        """Yield the frames as they arrive, and None while there is no new one; raise RunError when none ever comes."""
        files: dict[str, GrowingFile] = {}
        latest = time.monotonic()
        while True:
            before, began = _frames_requested(files), time.monotonic()
            paths = self._paths_so_far()
            pause = max(POLL, SHARE * (time.monotonic() - began))
            yield from self._new_requests(paths, files)
            if files and self._files_are_named() and not _unfinished(files):
                return
            yield None
            if _frames_requested(files) == before and time.monotonic() - latest > self.patience:
                stuck = _unfinished(files)
                if not stuck:
                    break
                self.given_up.append(stuck[0].path)
                yield from stuck[0].give_up()
                latest = time.monotonic()
            elif _frames_requested(files) > before:
                latest = time.monotonic()
            time.sleep(pause)
        if _frames_requested(files) == 0:
            raise RunError(
                f"{self.paths}: no frame came within {self.patience:g} s. Check the path and its writer."
            )

    def _new_requests(self, paths: list[str], files: dict[str, GrowingFile]) -> Iterator[FrameRequest]:
        """Yield the frames that have arrived since the last call, file by file; a file waits for the one before."""
        for path in paths:
            file = files.setdefault(path, GrowingFile(path, self.cache))
            if not file.finished:
                yield from file.new_requests()
            if not file.finished:
                return

    def _paths_so_far(self) -> list[str]:
        try:
            return expand(self.paths)
        except RunError:
            return []

    def _files_are_named(self) -> bool:
        """Tell whether every file of the run is named, so that no other can appear."""
        given = [self.paths] if isinstance(self.paths, str | Path) else self.paths
        return not any(Path(path).is_dir() or is_glob(path) for path in given)


def _unfinished(files: dict[str, GrowingFile]) -> list[GrowingFile]:
    return [file for file in files.values() if not file.finished]


def _frames_requested(files: dict[str, GrowingFile]) -> int:
    return sum(file.requested for file in files.values())


def _part(
    requests: Iterator[FrameRequest | None], start: int, stop: int | None
) -> Iterator[FrameRequest | None]:
    """Yield the requests from ``start`` to ``stop``, and every None, which is no frame, as it comes."""
    if stop is not None and stop <= 0:
        return
    position = 0
    for request in requests:
        if request is None:
            yield None
            continue
        if position >= start:
            yield request
        position += 1
        if position == stop:
            return
