"""A run on disk that is still being written, as a live source: its frames as they arrive."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Never

from fedbragg.errors import RunError
from fedbragg.images.followed_run import FollowedRun
from fedbragg.images.frame_requests import FrameRequest, ReadAhead
from fedbragg.images.growing_file import GrowingSource
from fedbragg.images.packed_frame import Reduce
from fedbragg.images.paths import is_glob
from fedbragg.images.source import RunCache
from fedbragg.live.source import Event, LiveFrame, Notice, SeriesEnd, SeriesStart
from fedbragg.types import Geometry


@dataclass(frozen=True, slots=True)
class GrowingRun:
    """A run to follow, and when it is over."""

    path: str  # a file, a folder or a glob
    idle: float  # seconds without a new frame after which it is over, from its first frame on
    images: int | None = (
        None  # after which it is over; None where the user gave none; a master file may still
    )
    done: Mapping[str, int] = field(
        default_factory=dict
    )  # frames of each file that have their verdict already

    @property
    def series(self) -> str:
        """Return the run's name: its path, so that no other run has the same."""
        return str(Path(self.path).absolute())

    @property
    def folder(self) -> str:
        """Return a short name, for a folder: the file's or folder's own, of a glob that of the folder it begins in."""
        path = Path(self.path).absolute()
        while is_glob(path) and path.parent != path:
            path = path.parent
        return path.stem if path.suffix and not path.is_dir() else path.name


class GrowingRunSource:
    """The frames of a run in their order on disk; see the protocol ``fedbragg.live.source.Source``.

    A frame's number is its position in the run. A file's frames come in their order, so the number done of each file
    shows which ones are done.
    """

    def __init__(self, run: GrowingRun, reduce: Reduce | None = None) -> None:
        """Follow a run; ``reduce`` works on a frame's rows while they are decoded (see ``Frame.reduced``)."""
        self._run, self._done = run, dict(run.done)
        self._followed = FollowedRun(run.path, ReadAhead(), run.idle, RunCache(reduce=reduce))
        self._number = sum(self._done.values())
        self._announced = run.images
        self._geometry = Geometry()
        self._events = self._all_events()

    @property
    def name(self) -> str:
        """Return the path as the user gave it."""
        return self._run.path

    def receive(self, timeout: float) -> Event | None:
        """Return the next event, or None when none comes before the next look at the disk."""
        return next(self._events, None)

    def close(self) -> None:
        """Let go of the files."""
        self._events.close()

    def _all_events(self) -> Generator[Event | None, None, None]:
        """Yield the run's events, and None whenever there is none yet."""
        begun = waiting = False
        for request in self._requests():
            if request is not None and self._announced is None:
                self._announced = self._promised(request)
            if request is None and not (begun or waiting):
                waiting = True
                yield Notice(f"{self.name}: no frame yet; waiting")
            elif request is None or self._is_done(request):
                yield None
            else:
                if not begun:
                    begun = True
                    yield self._start(request)
                yield self._frame(request)
            if self._number == self._run.images:
                break
        if not begun:  # all frames had their verdicts before
            yield SeriesStart(self._run.series, b"", self._announced)
        all_came = self._number == self._run.images or not self._followed.given_up
        yield SeriesEnd(self._run.series, b"", complete=all_came)

    def _requests(self) -> Iterator[FrameRequest | None]:
        """Yield the frames as they arrive; wait for the first without a limit."""
        while True:
            try:
                yield from self._followed.requests()
                return
            except RunError:
                continue

    def _is_done(self, request: FrameRequest) -> bool:
        return request.index < self._done.get(request.source.path, 0)

    def _start(self, request: FrameRequest) -> SeriesStart:
        self._geometry = request.source.geometry
        return SeriesStart(self._run.series, b"", self._announced)

    def _promised(self, request: FrameRequest) -> int | None:
        """Return how many images the run's master file promises, where the run is that file alone."""
        alone = request.source.path == self._run.path
        return request.source.promised if alone and isinstance(request.source, GrowingSource) else None

    def _frame(self, request: FrameRequest) -> LiveFrame:
        number, self._number = self._number, self._number + 1
        read = partial(request.source.read, request.index)
        return LiveFrame(self._run.series, number, b"", read, _not_packed, self._geometry)


def _not_packed() -> Never:
    raise LookupError("a frame on disk is not passed on")
