"""Trainings on threads: in order, with a limit on their number and on their time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from fedbragg.federation.engines.training_pool import Training, TrainingPool


@pytest.fixture
def pool() -> Iterator[TrainingPool]:
    opened = TrainingPool(workers=2, deadline=0.2)
    yield opened
    opened.close()


def training(work: Any) -> Training:
    return Training(work)


def test_a_result_or_an_error_is_handed_over(pool: TrainingPool) -> None:
    good, bad, empty = training(lambda: "update"), training(lambda: 1 / 0), training(lambda: None)
    for each in (good, bad, empty):
        pool.finish(each)
    assert good.result() == "update"
    with pytest.raises(ZeroDivisionError):
        bad.result()
    with pytest.raises(TypeError, match="no update"):
        empty.result()


def test_no_more_trainings_run_at_a_time_than_there_are_workers(pool: TrainingPool) -> None:
    running, most, lock = [], [], threading.Lock()

    def work() -> str:
        with lock:
            running.append(1)
            most.append(len(running))
        threading.Event().wait(0.02)
        running.pop()
        return "update"

    trainings = [training(work) for _ in range(6)]
    for each in trainings:
        pool.submit(each)
    for each in trainings:
        pool.finish(each)
    assert max(most) == 2


def test_a_training_that_hangs_times_out_and_its_thread_is_replaced(pool: TrainingPool) -> None:
    go_on = threading.Event()
    hanging = [training(go_on.wait) for _ in range(2)]
    for each in hanging:
        pool.submit(each)
    pool.finish(hanging[0])
    pool.finish(hanging[1])
    with pytest.raises(TimeoutError, match=r"no update within 0\.2 s"):
        hanging[0].result()
    next_one = training(lambda: "update")
    pool.finish(next_one)
    assert next_one.result() == "update"
    go_on.set()


def test_a_cancelled_training_does_not_run(pool: TrainingPool) -> None:
    ran: list[int] = []
    cancelled, last = training(lambda: ran.append(1)), training(lambda: "update")
    cancelled.cancelled = True
    pool.submit(cancelled)
    pool.finish(last)
    assert not ran
