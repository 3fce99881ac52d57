"""A run in memory: frames given as they are, read and mapped by the code that reads files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fedbragg.errors import FrameError
from fedbragg.images.run import Task, attempt, mapped
from fedbragg.types import Frame, Geometry, Result, Unreadable


@dataclass
class FakeRun:
    """A run of ``length`` frames, each made when it is read; what is made Unreadable cannot be read.

    It satisfies the protocol fedbragg.types.Run. A list's ``__getitem__`` will do as ``make``.
    """

    length: int
    make: Callable[[int], Frame | Unreadable]
    path: str = "fake"
    geometry: Geometry = field(default_factory=Geometry)

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.length

    def __getitem__(self, position: int) -> Frame:
        """Return one frame, or raise FrameError."""
        return self.read(range(self.length)[position])

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame | Unreadable]:
        """Yield the frames in order."""
        return map(attempt, self._tasks(start, self.length if stop is None else stop))

    def map(
        self, work: Callable[[Frame | Unreadable], Result], threads: int, start: int = 0
    ) -> Iterator[Result]:
        """Yield ``work`` of every frame in order, by the threads that a run of files uses."""
        return mapped(work, self._tasks(start, self.length), threads)

    def read(self, index: int) -> Frame:
        """Make a frame, or raise FrameError."""
        made = self.make(index)
        if isinstance(made, Unreadable):
            raise FrameError(made.path, made.index, made.reason)
        return made

    def close(self) -> None:
        """Do nothing, for nothing is open."""

    def _tasks(self, start: int, stop: int) -> Iterator[Task]:
        return (Task(self.path, index, self) for index in range(start, stop))
