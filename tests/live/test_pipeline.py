"""The pipeline: order, what is bounded, and what ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
from made_frames import frame_of, live, verdict_of

from fedbragg.live.pipeline import UNSCORED, Arrived, Pipeline, PipelineSettings
from fedbragg.live.source import Event, LiveFrame, SeriesEnd
from fedbragg.testing import FakeSource, fake_series
from fedbragg.types import Verdict

SETTINGS = PipelineSettings(threads=3, queue=6)


def frames_without_end() -> Iterator[Event]:
    for number in count():
        yield live("s", number)


def until_idle(pipeline: Pipeline) -> list[Arrived]:
    found = []
    for arrived in pipeline.run():
        if arrived is None:
            pipeline.stop()
        else:
            found.append(arrived)
    return found


def test_events_come_in_order_whatever_thread_is_fast() -> None:
    rng = np.random.default_rng(1)
    delays = rng.uniform(0, 0.01, 40)

    def work(frame: LiveFrame) -> Verdict:
        time.sleep(delays[frame.number])
        return verdict_of(frame)

    source = FakeSource(fake_series("s", range(40), frame_of))
    kept: list[bytes] = []
    found = until_idle(Pipeline(source, work, SETTINGS, kept.append))
    numbers = [arrived.verdict.index for arrived in found if arrived.verdict is not None]
    assert numbers == list(range(40))
    assert isinstance(found[-1].event, SeriesEnd)
    assert kept == [b"start", *[b"image"] * 40, b"end"]
    assert source.closed


def test_no_more_is_received_than_the_queue_holds() -> None:
    released = threading.Event()

    def work(frame: LiveFrame) -> Verdict:
        released.wait()
        return verdict_of(frame)

    source, sent = FakeSource(frames_without_end()), []

    def look_and_release() -> None:
        deadline = time.monotonic() + 20
        while source.sent <= SETTINGS.queue and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)  # in which nothing more must be received
        sent.append(source.sent)
        released.set()

    looking = threading.Thread(target=look_and_release)
    looking.start()
    running = Pipeline(source, work, SETTINGS).run()
    next(running)
    running.close()
    looking.join()
    assert sent == [SETTINGS.queue + 1]  # and the one that the receiver holds


def test_a_full_queue_lets_frames_go_on_without_a_score_but_none_is_lost() -> None:
    def work(frame: LiveFrame) -> Verdict:
        time.sleep(0.02)
        return verdict_of(frame)

    settings = PipelineSettings(threads=2, queue=4, keep_when_full=True)
    found = until_idle(Pipeline(FakeSource(fake_series("s", range(60), frame_of)), work, settings))
    verdicts = [arrived.verdict for arrived in found if arrived.verdict is not None]
    assert [verdict.index for verdict in verdicts] == list(range(60))
    unscored = [verdict for verdict in verdicts if verdict.reason == UNSCORED]
    assert 0 < len(unscored) <= 56
    assert all(verdict.keep and verdict.score is None for verdict in unscored)


@pytest.mark.parametrize("messages", [False, True])
def test_frames_without_a_score_are_bounded_too(messages: bool) -> None:
    settings = PipelineSettings(threads=1, queue=2, keep_when_full=True, messages=messages)
    released = threading.Event()

    def work(frame: LiveFrame) -> Verdict:
        released.wait()
        return verdict_of(frame)

    source = FakeSource(frames_without_end())
    running = Pipeline(source, work, settings).run()
    threading.Timer(1.0, released.set).start()
    next(running)
    running.close()
    assert source.sent < (20 if messages else 10_100)


def test_what_receiving_raises_comes_out() -> None:
    def broken() -> Iterator[Event]:
        yield from fake_series("s", range(3), frame_of)
        raise OSError("the cable is gone")

    source = FakeSource(broken())
    with pytest.raises(OSError, match="cable"):
        until_idle(Pipeline(source, verdict_of, SETTINGS))
    assert source.closed


def test_what_working_raises_comes_out_and_the_receiver_ends() -> None:
    def work(frame: LiveFrame) -> Verdict:
        raise ZeroDivisionError

    source = FakeSource(frames_without_end())
    with pytest.raises(ZeroDivisionError):
        until_idle(Pipeline(source, work, SETTINGS))
    assert source.closed


def test_memory_does_not_grow_with_the_frames() -> None:
    held: list[Any] = []
    pipeline = Pipeline(FakeSource(frames_without_end()), verdict_of, SETTINGS)
    for arrived in pipeline.run():
        held.append(pipeline.waiting)
        if arrived is not None and arrived.verdict is not None and arrived.verdict.index == 3000:
            pipeline.stop()
    assert max(held) <= 2 * SETTINGS.queue
