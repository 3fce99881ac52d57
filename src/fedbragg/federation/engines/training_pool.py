"""Trainings on threads of this process, a few at a time; one that hangs is given up and its place refilled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from fedbragg.federation.wire import Parcel

POLL = 0.1
"""Seconds between looks for trainings that hang."""


class Training:
    """One training: not started, under way, or done."""

    def __init__(self, work: Callable[[], Parcel]) -> None:
        self._work = work
        self._done = threading.Event()
        self._parcel: Parcel | None = None
        self._error: BaseException | None = None
        self.submitted = False
        self.cancelled = False
        self.started: float | None = None  # seconds on the monotonic clock

    def run(self) -> None:
        """Train, and keep the update or what went wrong."""
        self.started = time.monotonic()
        try:
            self._parcel = self._work()
        except BaseException as error:  # a site's code may raise anything; it must not end the federation
            self._error = error
        self._done.set()

    def wait(self, seconds: float) -> bool:
        """Tell whether it is done, after waiting for it no longer than this."""
        return self._done.wait(seconds)

    def give_up(self, reason: str) -> None:
        """Take it for failed, whatever its thread still does."""
        self._error = TimeoutError(reason)
        self._done.set()

    def result(self) -> Parcel:
        """Return the update of a training that is done, or raise what it raised."""
        if self._error is not None:
            raise self._error
        if self._parcel is None:
            raise TypeError("the training returned no update")
        return self._parcel


class Workshop:
    """Run trainings in the order in which they are submitted."""

    def __init__(self, workers: int, deadline: float) -> None:
        """Run at most ``workers`` at a time and give up one that takes over ``deadline`` seconds."""
        self._deadline = deadline
        self._queue: SimpleQueue[Training | None] = SimpleQueue()
        self._under_way: set[Training] = set()
        self._workers = workers
        for _ in range(workers):
            self._hire()

    def submit(self, training: Training) -> None:
        """Have a training done as soon as a thread is free; a second time is of no effect."""
        if not training.submitted:
            training.submitted = True
            self._queue.put(training)

    def finish(self, training: Training) -> None:
        """Return once a training is done or given up."""
        self.submit(training)
        while not training.wait(POLL):
            self._give_up_hung()

    def close(self) -> None:
        """Let idle threads end; one that hangs ends with the process."""
        for _ in range(self._workers):
            self._queue.put(None)

    def _give_up_hung(self) -> None:
        now = time.monotonic()
        for training in list(self._under_way):
            if training.started is not None and now - training.started > self._deadline:
                training.give_up(f"no update within {self._deadline:g} s")
                self._under_way.discard(training)
                self._hire()

    def _hire(self) -> None:
        # cli/main.py looks for threads of this name when a command ends.
        threading.Thread(target=self._labour, name="training", daemon=True).start()

    def _labour(self) -> None:
        while (training := self._queue.get()) is not None:
            if training.cancelled:
                continue
            self._under_way.add(training)
            training.run()
            if training not in self._under_way:
                return  # given up meanwhile: another thread has taken this place
            self._under_way.discard(training)
