"""Micrographs are measured side by side where they are small, one at a time where they are large."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fedbragg.tasks.segments.blocks import Segments
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.measure.scale import Scale
from fedbragg.workflows import measure_segments
from fedbragg.workflows.measure_segments import MeasureRequest, measure_into


@dataclass
class Counting:
    """Segments nothing, and counts how many calls run at a time: each waits a while for a second one."""

    at_once: int = 0
    most: int = 0
    second: threading.Event = field(default_factory=threading.Event)
    classes: Classes = field(default_factory=lambda: Classes(("matrix", "dot")))

    def __call__(self, picture: np.ndarray, progress: object) -> Segments:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.at_once == 2:
            self.second.set()
        self.second.wait(0.3)
        self.at_once -= 1
        return Segments(np.zeros(picture.shape, np.uint8), np.zeros(picture.shape, np.int32))


@pytest.fixture
def names(tmp_path: Path) -> Sequence[str]:
    paths = [tmp_path / "pictures" / f"{i}.png" for i in range(3)]
    paths[0].parent.mkdir()
    for path in paths:
        Image.fromarray(np.full((40, 50), 90, np.uint8)).save(path)
    return [str(path) for path in paths]


@pytest.mark.parametrize(
    ("threads", "large", "most"), [(1, 40 * 50, 1), (2, 40 * 50, 2), (2, 40 * 50 - 1, 1)]
)
def test_so_many_are_in_memory(
    names: Sequence[str], threads: int, large: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting()
    monkeypatch.setattr(measure_segments, "open_segment_model", lambda path, threads, absent: counting)
    monkeypatch.setattr(measure_segments, "LARGE", large)
    rows = measure_into(names, MeasureRequest(tmp_path / "out", Scale(), threads=threads))
    assert [row.name for row in rows] == names and all(row.answer is not None for row in rows)
    assert counting.most == most
