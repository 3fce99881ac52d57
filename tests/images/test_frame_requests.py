"""Frames are read one by one, and a file that cannot be read says why."""

from __future__ import annotations

import os

import pytest
from run_checks import MadeSource

from fedbragg.errors import FrameError, RunError
from fedbragg.images.frame_requests import FrameRequest, LazySource, ReadAhead, read_frame
from fedbragg.types import Unreadable


def test_a_lazy_source_opens_its_file_when_it_is_read() -> None:
    opened = []

    def open_file(path: str) -> MadeSource:
        opened.append(path)
        return MadeSource(path, 1)

    source = LazySource("a.cbf", open_file)
    assert (len(source), opened) == (1, [])
    assert read_frame(FrameRequest(source, 0)).index == 0
    assert opened == ["a.cbf"]


@pytest.mark.parametrize(("length", "reason"), [(0, "holds no frame"), (2, "holds only 2 frames now")])
def test_a_file_that_became_shorter_is_unreadable(length: int, reason: str) -> None:
    source = LazySource("a.h5", lambda path: MadeSource(path, length))
    with pytest.raises(FrameError, match=rf"a\.h5 frame 5: {reason}"):
        source.read(5)


def test_a_file_that_cannot_be_opened_is_unreadable_for_the_same_reason() -> None:
    def fail(path: str) -> MadeSource:
        raise RunError(f"{path}: no such file. Check the path.")

    frame = read_frame(FrameRequest(LazySource("a.h5", fail), 3))
    assert frame == Unreadable("a.h5", 3, "no such file. Check the path.")


def test_threads_follow_the_cores_and_a_single_core_decodes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, expected in ((1, (0, 1)), (2, (2, 3)), (64, (8, 9))):
        monkeypatch.setattr(os, "sched_getaffinity", lambda process, cores=cores: set(range(cores)))
        assert ReadAhead().resolved() == expected
    assert ReadAhead(workers=3, depth=1).resolved() == (3, 1)
