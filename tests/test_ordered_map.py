"""Results come in order from threads, and few wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from detector_files import counts, nxmx

from fedbragg.ordered_map import ordered_map


def test_frames_in_flight_are_few_however_long_the_run(tmp_path: Path) -> None:
    nxmx(tmp_path / "run.h5", counts("u2"))
    made = []

    def work(task: int) -> int:
        made.append(task)
        return task

    results = ordered_map(work, iter(range(1000)), workers=2, depth=4)
    assert [next(results), next(results)] == [0, 1]
    time.sleep(0.05)
    assert len(made) <= 6
    results.close()
    assert len(made) <= 6


def test_work_runs_in_threads_and_comes_back_in_order() -> None:
    both = threading.Barrier(2, timeout=10)

    def work(task: int) -> int:
        both.wait()  # passes only when two tasks run at once
        return task

    assert list(ordered_map(work, iter(range(10)), workers=2, depth=3)) == list(range(10))


def test_what_is_ready_is_not_held_back_when_nothing_else_comes() -> None:
    given = []

    def tasks() -> Iterator[int | None]:
        for task in (1, None, 2):
            given.append(task)
            yield task

    results = ordered_map(lambda task: task, tasks(), workers=1, depth=5)
    assert next(results) == 1
    assert given == [1, None]
    assert list(results) == [2]
