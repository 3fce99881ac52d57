"""Sources and checks that several tests share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import RunError
from fedbragg.images import open_run
from fedbragg.types import Frame, Geometry, Run, Unreadable


class MadeSource:
    """An open file of ``length`` frames, each filled with its index."""

    def __init__(self, path: str, length: int) -> None:
        self.path, self.length, self.geometry = path, length, Geometry()

    def __len__(self) -> int:
        return self.length

    def read(self, index: int) -> Frame:
        counts = np.full((2, 2), index, np.uint16)
        return Frame(counts, np.zeros((2, 2), np.bool_), self.path, index)

    def close(self) -> None:
        pass


def readable_frames(run: Run) -> list[Frame]:
    """Return the frames of a run none of which is unreadable."""
    frames = list(run.frames())
    assert not [frame for frame in frames if isinstance(frame, Unreadable)]
    return [frame for frame in frames if isinstance(frame, Frame)]


def first_counts(frames: Iterable[object]) -> list[int]:
    """Return the first pixel of every readable frame."""
    return [int(frame.counts[0, 0]) for frame in frames if isinstance(frame, Frame)]


def assert_refused(path: Path | str, words: str) -> None:
    """Assert that the run is refused in one line that names the path, the reason and a remedy."""
    with pytest.raises(RunError, match=words) as caught:
        open_run(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert message.endswith(".")
