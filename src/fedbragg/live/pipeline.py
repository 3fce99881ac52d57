"""One thread receives, several threads work, and the caller gets the results in the order of the messages.

Start and end of a series reach one client of the detector only, so there is one receiver. The number of messages that
wait for the caller is bounded: when the bound is reached the receiver waits, ZeroMQ's own small buffer fills,
and the sender waits. This default loses nothing; otherwise frames are passed on without a score.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from queue import Empty, Queue
from typing import Never

from fedbragg.live.source import Event, LiveFrame, Notice, SeriesEnd, Source
from fedbragg.types import Verdict

POLL = 0.1
"""Seconds between checks of receiver and caller whether to stop."""
UNSCORED = "not scored: the queue was full"
"""The reason given for a frame that is kept because the screening could not keep up."""
LIGHT, HEAVY = 10_000, 2
"""Most entries that may wait: this many without their message, or twice the queue with it."""


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """The settings of a pipeline."""

    threads: int  # that decode and score
    queue: int  # most frames that may wait for the caller
    keep_when_full: bool = False  # pass frames on without a score; otherwise the sender waits
    messages: bool = False  # the caller needs the messages of the frames, also of those without a score
    once: bool = False  # receive nothing after the first end of a series: it belongs to the next watch
    latest: bool = False  # drop frames when the queue is full, for display only; never for screening


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event, with the verdict where it is a frame."""

    event: Event
    verdict: Verdict | None = None
    seconds: float = 0.0  # since it was received


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An event on its way to the caller."""

    event: Event
    result: Future[Verdict] | None = None  # of a frame
    takes_place: bool = False  # in the queue of frames to be scored
    received: float = field(default_factory=time.monotonic)


class Pipeline:
    """Takes a source's events through the threads."""

    def __init__(
        self,
        source: Source,
        work: Callable[[LiveFrame], Verdict],
        settings: PipelineSettings,
        record: Callable[[bytes], None] = lambda message: None,
    ) -> None:
        """Do ``work`` in the worker threads, and call ``record`` with every message as it is received."""
        self._source, self._work, self._settings, self._record = source, work, settings, record
        self._places = threading.Semaphore(settings.queue)
        light = settings.keep_when_full and not settings.messages
        self._arrived: Queue[_Waiting | Exception | None] = Queue(LIGHT if light else HEAVY * settings.queue)
        self._stopping = threading.Event()
        self.skipped = 0  # frames that were left out

    @property
    def waiting(self) -> int:
        """Return how many events wait for the caller."""
        return self._arrived.qsize()

    def stop(self) -> None:
        """Stop receiving; events already received are still processed and yielded."""
        self._stopping.set()

    def run(self) -> Generator[Arrived | None, None, None]:
        """Yield the events in order, and None while there is none; end after `stop`, or after an end with ``once``.

        Raises the errors of receiving, working and recording.
        """
        with ThreadPoolExecutor(self._settings.threads, thread_name_prefix="fedbragg-watch") as pool:
            receiver = threading.Thread(target=self._receive, args=(pool,), name="fedbragg-receive")
            receiver.start()
            try:
                yield from self._in_order()
            finally:
                self._end(receiver)
                pool.shutdown(cancel_futures=True)

    def _in_order(self) -> Iterator[Arrived | None]:
        while True:
            try:
                waiting = self._arrived.get(timeout=POLL)
            except Empty:
                yield None
                continue
            if waiting is None:
                return
            if isinstance(waiting, Exception):
                raise waiting
            verdict = waiting.result.result() if waiting.result else None
            yield Arrived(waiting.event, verdict, time.monotonic() - waiting.received)
            if waiting.takes_place:
                self._places.release()

    def _end(self, receiver: threading.Thread) -> None:
        """Stop the receiver, even while it waits for a caller that has stopped reading."""
        self._stopping.set()
        while receiver.is_alive():
            self._places.release()
            try:
                self._arrived.get(timeout=POLL)
            except Empty:
                continue

    def _receive(self, pool: ThreadPoolExecutor) -> None:
        try:
            while not self._stopping.is_set():
                event = self._source.receive(POLL)
                if event is not None:
                    self._pass_on(event, pool)
                if self._settings.once and isinstance(event, SeriesEnd):
                    break
            self._arrived.put(None)
        except Exception as error:
            self._arrived.put(error)
        finally:
            self._source.close()

    def _pass_on(self, event: Event, pool: ThreadPoolExecutor) -> None:
        if not isinstance(event, Notice):
            self._record(event.message)
        if not isinstance(event, LiveFrame):
            self._arrived.put(_Waiting(event))
        elif self._places.acquire(blocking=not (self._settings.keep_when_full or self._settings.latest)):
            self._arrived.put(_Waiting(event, pool.submit(self._work, event), takes_place=True))
        elif self._settings.latest:
            self.skipped += 1
        else:
            self._arrived.put(self._unscored(event))

    def _unscored(self, frame: LiveFrame) -> _Waiting:
        result: Future[Verdict] = Future()
        result.set_result(
            Verdict(frame.series, frame.number, None, True, UNSCORED, event=f"//{frame.number}")
        )
        return _Waiting(frame if self._settings.messages else _without_data(frame), result)


def _without_data(frame: LiveFrame) -> LiveFrame:
    """Return a copy of the frame without its image data."""
    return replace(frame, message=b"", read=_forgotten, packed=_forgotten)


def _forgotten() -> Never:
    raise LookupError("the frame was passed on without its data")
