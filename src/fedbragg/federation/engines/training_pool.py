"""Run a few trainings at a time on threads of this process; one that hangs times out and its thread is replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from fedbragg.federation.engines.simulated_sums import OfferedUpdate
from fedbragg.federation.wire import EncodedUpdate

POLL = 0.1
"""Seconds between two checks for trainings that hang."""
THREAD_NAME = "training"
"""Name by which the command line finds trainings that still run when it ends."""


Trained = EncodedUpdate | OfferedUpdate
"""The result of a training: an update, or an offer of one for a masked sum."""


class Training:
    """One training: waiting, running, or done."""

    def __init__(self, work: Callable[[], Trained]) -> None:
        self._work = work
        self._done = threading.Event()
        self._update: Trained | None = None
        self._error: BaseException | None = None
        self.submitted = False
        self.cancelled = False
        self.started: float | None = None  # seconds on the monotonic clock

    def run(self) -> None:
        """Train, and keep the update or the error."""
        self.started = time.monotonic()
        try:
            self._update = self._work()
        except BaseException as error:  # a site's code may raise anything; it must not end the federation
            self._error = error
        self._done.set()

    def wait(self, seconds: float) -> bool:
        """Wait at most this long and return whether the training is done."""
        return self._done.wait(seconds)

    def time_out(self, reason: str) -> None:
        """Count as failed, even if its thread is still running."""
        self._error = TimeoutError(reason)
        self._done.set()

    def result(self) -> Trained:
        """Return the update of a training that is done, or raise what the training raised."""
        if self._error is not None:
            raise self._error
        if self._update is None:
            raise TypeError("the training returned no update")
        return self._update


class TrainingPool:
    """Run trainings in the order in which they are submitted."""

    def __init__(self, workers: int, deadline: float) -> None:
        """Run at most ``workers`` at a time; one that takes over ``deadline`` seconds times out."""
        self._deadline = deadline
        self._queue: SimpleQueue[Training | None] = SimpleQueue()
        self._running: set[Training] = set()
        self._workers = workers
        for _ in range(workers):
            self._add_thread()

    def submit(self, training: Training) -> None:
        """Queue a training; queueing it twice has no effect."""
        if not training.submitted:
            training.submitted = True
            self._queue.put(training)

    def finish(self, training: Training) -> None:
        """Return when a training is done or has timed out."""
        self.submit(training)
        while not training.wait(POLL):
            self._time_out_hung()

    def close(self) -> None:
        """End the idle threads; a thread that hangs ends with the process."""
        for _ in range(self._workers):
            self._queue.put(None)

    def _time_out_hung(self) -> None:
        now = time.monotonic()
        for training in list(self._running):
            if training.started is not None and now - training.started > self._deadline:
                training.time_out(f"no update within {self._deadline:g} s")
                self._running.discard(training)
                self._add_thread()

    def _add_thread(self) -> None:
        # cli/main.py looks for threads of this name when a command ends.
        threading.Thread(target=self._run, name=THREAD_NAME, daemon=True).start()

    def _run(self) -> None:
        while (training := self._queue.get()) is not None:
            if training.cancelled:
                continue
            self._running.add(training)
            training.run()
            if training not in self._running:
                return  # timed out meanwhile: another thread has replaced this one
            self._running.discard(training)
