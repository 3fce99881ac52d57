"""A site's worker as its client sees it: a process that takes orders and reports events."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from fedbragg.federation.engines.remote.worker_messages import (
    Event,
    Export,
    Load,
    Order,
    Stop,
    Train,
    WorkerEnded,
    from_line,
    to_line,
)
from fedbragg.federation.veto import Standard

Events = SimpleQueue[Event]


class WorkerProcess:
    """A worker, started when its data are needed and again after it has ended.

    Start it from a thread that lives as long as the worker: the kernel ends the worker with that thread.
    """

    def __init__(self, command: Sequence[str], folder: Path, wake: Callable[[], None]) -> None:
        """Run ``command``; exchange models and updates in ``folder``; call ``wake``, from a thread, after an event."""
        self._command, self._folder, self._wake = command, folder, wake
        self._process: subprocess.Popen[bytes] | None = None
        self._events: Events = SimpleQueue()

    def start(self, load: Load, *, gpu: bool) -> None:
        """Start the process, in place of one that runs, and have it read the data. Without ``gpu`` it sees none."""
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # OpenMP's threads do not survive a fork, and with one thread sums keep their order.
        variables = {"OMP_NUM_THREADS": "1"} | ({} if gpu else {"CUDA_VISIBLE_DEVICES": ""})
        self._events = SimpleQueue()  # events of an earlier process count no longer
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **variables}
        )
        threading.Thread(target=self._listen, args=(self._process, self._events), daemon=True).start()
        self._order(load)

    def train(
        self, request: Mapping[str, Any], model: bytes | memoryview, standard: Standard | None = None
    ) -> None:
        """Train for a request on a model, given as a safetensors document, where it is up to the site's standard."""
        path, judge = self._written("start", model), standard is not None
        order = Train(request["name"], request["version"], request["epochs"], str(path), str(self._update))
        self._order(replace(order, judge=judge, least=standard.least if standard else None))

    def stop_training(self) -> None:
        """Stop training, if one runs."""
        self._order(Stop())

    def export(
        self, model: bytes | memoryview, out: Path, otherwise: tuple[Path, float | None] | None = None
    ) -> None:
        """Write a model, given as a safetensors document, as a model file.

        ``otherwise`` is another document, to write where the model's score is below the number given.
        """
        out.parent.mkdir(parents=True, exist_ok=True)
        order = Export(str(self._written("final", model)), str(out))
        if otherwise is not None:
            order = replace(order, otherwise=str(otherwise[0]), least=otherwise[1])
        self._order(order)

    def events(self) -> Iterator[Event]:
        """Yield the events since the last call."""
        with contextlib.suppress(Empty):
            while True:
                yield self._events.get_nowait()

    def update(self) -> bytes:
        """Return the message with the last update."""
        return self._update.read_bytes()

    @property
    def start_model(self) -> Path:
        """Return the file with the model of the last training order."""
        return self._folder / "start.safetensors"

    def close(self) -> None:
        """End the process, and with it any training."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it ended before it read this order
                process.stdin.close()

    @property
    def _update(self) -> Path:
        return self._folder / "update"

    def _written(self, name: str, content: bytes | memoryview) -> Path:
        path = self._folder / f"{name}.safetensors"
        path.write_bytes(content)
        return path

    def _order(self, order: Order) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):  # it has ended, which is an event
            self._process.stdin.write(to_line(order))
            self._process.stdin.flush()

    def _listen(self, process: subprocess.Popen[bytes], events: Events) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # a library printed something
                    events.put(from_line(line))
                self._wake()
        events.put(WorkerEnded())
        self._wake()
