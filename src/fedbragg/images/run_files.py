"""The files of a run: opened one after the other, counted once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from fedbragg.errors import RunError
from fedbragg.images.frame_requests import FrameRequest, LazySource
from fedbragg.images.registry import holds_single_frame
from fedbragg.images.source import Source


class RunFiles:
    """Files in the order of their frames; the last one opened is kept open."""

    def __init__(self, paths: Sequence[str], open_file: Callable[[str], Source]) -> None:
        self.paths = paths
        self._open_file = open_file
        self._last: tuple[int, Source] | None = None
        self._starts: list[int] | None = None

    def open(self, number: int) -> Source:
        """Return a file by its number, or raise RunError."""
        if self._last is None or self._last[0] != number:
            self._last = (number, self._open_file(self.paths[number]))
        return self._last[1]

    @property
    def starts(self) -> list[int]:
        """Return the position of each file's first frame, and the number of frames at the end.

        Only files whose format may hold several frames are opened for it.
        """
        if self._starts is None:
            lengths = (len(self._open_or_lazy(number)) for number in range(len(self.paths)))
            self._starts = [0, *accumulate(lengths)]
        return self._starts

    def find(self, position: int) -> tuple[int, int]:
        """Return the number of the file that holds a frame of the run, and the frame's index in it."""
        number = bisect_right(self.starts, position) - 1
        return number, position - self.starts[number]

    def requests(self, start: int, stop: int | None) -> Iterator[FrameRequest]:
        """Yield the frames of the run from ``start`` to ``stop``; each file is opened when its turn comes.

        Where the run has been counted, the files before ``start`` are not opened.
        """
        begin = self._file_of(start)
        position = self._starts[begin] if self._starts is not None else 0
        for number in range(begin, len(self.paths)):
            if stop is not None and position >= stop:
                return
            source = self._open_or_lazy(number)
            length = self._length(number, source)
            first, last = max(0, start - position), length if stop is None else min(length, stop - position)
            for index in range(first, last):
                yield FrameRequest(source if index < len(source) else self._lazy(number), index)
            position += length

    def _file_of(self, start: int) -> int:
        """Return the number of the file that holds a frame; the first one where the run has not been counted."""
        if self._starts is None:
            return 0
        return max(0, bisect_right(self._starts, start, hi=len(self.paths)) - 1)

    def _length(self, number: int, source: Source) -> int:
        """Return the number of frames that a file had when the run was counted, or has now."""
        if self._starts is None:
            return len(source)
        return self._starts[number + 1] - self._starts[number]

    def _open_or_lazy(self, number: int) -> Source:
        """Return a file of several frames open; one of a single frame, or that cannot be opened, as a LazySource."""
        if holds_single_frame(self.paths[number]):
            return self._lazy(number)
        try:
            return self.open(number)
        except RunError:
            return self._lazy(number)

    def _lazy(self, number: int) -> Source:
        return LazySource(self.paths[number], self._open_file)
