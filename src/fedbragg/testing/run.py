"""A run in memory, read and mapped by the code that reads runs of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fedbragg.errors import FrameError
from fedbragg.images.frame_requests import FrameRequest, map_frames, read_frame
from fedbragg.images.run import position_in_run
from fedbragg.types import Frame, Geometry, Result, Unreadable


@dataclass
class FakeRun:
    """A run of ``length`` frames, each made when it is read; see the protocol ``fedbragg.types.Run``.

    ``make`` returns a frame by its index, or an Unreadable for one that cannot be read; a list's ``__getitem__`` is
    enough.
    """

    length: int
    make: Callable[[int], Frame | Unreadable]
    path: str = "fake"
    geometry: Geometry = field(default_factory=Geometry)

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.length

    def __getitem__(self, position: int) -> Frame:
        """Return one frame by its position in the run; raise FrameError, or IndexError beyond the run."""
        return self._source().read(position_in_run(position, self.length))

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame | Unreadable]:
        """Yield the frames in order; an unreadable one is yielded as such and the run continues."""
        return map(read_frame, self._requests(start, stop))

    def map(
        self,
        work: Callable[[Frame | Unreadable], Result],
        threads: int,
        start: int = 0,
        stop: int | None = None,
    ) -> Iterator[Result]:
        """Yield ``work`` of every frame in order, done in the thread that made it; one thread is the caller's."""
        return map_frames(work, self._requests(start, stop), threads)

    def _requests(self, start: int, stop: int | None) -> Iterator[FrameRequest]:
        source = self._source()
        last = self.length if stop is None else min(stop, self.length)
        return (FrameRequest(source, index) for index in range(max(start, 0), last))

    def _source(self) -> _MadeFrames:
        return _MadeFrames(self.path, self.geometry, self.length, self.make)


@dataclass(frozen=True, slots=True)
class _MadeFrames:
    """The single source of a FakeRun."""

    path: str
    geometry: Geometry
    length: int
    make: Callable[[int], Frame | Unreadable]

    def __len__(self) -> int:
        return self.length

    def read(self, index: int) -> Frame:
        made = self.make(index)
        if isinstance(made, Unreadable):
            raise FrameError(made.path, made.index, made.reason, made.event)
        return made

    def close(self) -> None:
        """Do nothing, because nothing is open."""
