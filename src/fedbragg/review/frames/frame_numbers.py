"""Map between a frame's number on the page and its file and index."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

from fedbragg.review.labels.entry import FrameKey
from fedbragg.review.labels.label_table import name_of

MOST_NAMED = 20
"""Most labels without a frame that are listed one by one."""


class FrameNumbers:
    """The frames of a run, numbered from 0; the page knows frames by these numbers alone."""

    def __init__(self, files: Sequence[tuple[str, int]], folder: Path) -> None:
        """Number the frames of files, each a path and its number of frames; ``folder`` is that of the labels."""
        self.folder = folder
        self.files = list(files)
        self._names = [name_of(path, folder) for path, _ in files]
        self._starts = [0, *accumulate(frames for _, frames in files)]
        self._numbers = {name: number for number, name in enumerate(self._names)}

    def __len__(self) -> int:
        """Return the number of frames."""
        return self._starts[-1]

    def key(self, position: int) -> FrameKey:
        """Return the name of a frame in the journal."""
        number = bisect_right(self._starts, position) - 1
        return self._names[number], position - self._starts[number]

    def place(self, position: int) -> tuple[str, int]:
        """Return the absolute path of a frame's file, and the frame in it."""
        name, frame = self.key(position)
        return os.path.abspath(self.folder / name), frame or 0  # noqa: PTH100  keeps links as the user wrote them

    def positions(self, key: FrameKey) -> range:
        """Return the numbers of the frames that a label is for: one, all of a file, or none of this run."""
        number = self._numbers.get(key[0])
        if number is not None and key[1] is None:
            return range(self._starts[number], self._starts[number + 1])
        position = self.position(key)
        return range(0) if position is None else range(position, position + 1)

    def position(self, key: FrameKey) -> int | None:
        """Return a frame's number on the page; None where it is not of this run."""
        name, frame = key
        number = self._numbers.get(name)
        if number is None or frame is None or frame >= self._frames_in(number):
            return None
        return self._starts[number] + frame

    def without_frame(self, keys: Iterable[FrameKey]) -> list[str]:
        """Return a line for each label whose frame or file does not exist; those of other runs may well exist."""
        lines = [line for key in keys if (line := self._why_missing(key))]
        further = len(lines) - MOST_NAMED
        return lines[:MOST_NAMED] + ([f"and {further} more labels without a frame"] if further > 0 else [])

    def _why_missing(self, key: FrameKey) -> str:
        name, frame = key
        number = self._numbers.get(name)
        if number is None:
            return "" if (self.folder / name).exists() else f"{name}: has labels, but there is no such file."
        frames = self._frames_in(number)
        if frame is None or frame < frames:
            return ""
        return f"{name} frame {frame}: has a label, but the file has {frames} frames, counted from 0."

    def _frames_in(self, number: int) -> int:
        return self._starts[number + 1] - self._starts[number]
