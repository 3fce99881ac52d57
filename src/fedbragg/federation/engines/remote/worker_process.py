"""A site's client and its worker: orders go in, answers come back, a training that takes too long is stopped."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKER_COMMAND = (sys.executable, "-m", "fedbragg.workflows.site_worker")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something came to nothing: what may leave the site, and what its own people read."""

    told: str  # never a path, and nothing of the data
    own: str


class WorkerProcess:
    """A worker, started when first needed and again when it has ended.

    Start it from a thread that lives as long as it shall: the kernel ends the worker with that thread.
    """

    def __init__(
        self, folder: Path, wake: Callable[[], None], command: Sequence[str] = WORKER_COMMAND
    ) -> None:
        """Exchange models and updates in ``folder``; ``wake`` is called whenever there is news."""
        self._folder, self._wake, self._command = folder, wake, command
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._request: str | None = None
        self.samples: int | None = None  # known once its data are read
        self.refused: Failure | None = None  # why they cannot be
        self.failure: Failure | None = None  # why the current request failed
        self.update: Path | None = None  # what came of it
        self.final: str | None = None  # what became of the final model

    def load(self, order: dict[str, Any], *, gpu: bool) -> None:
        """Start a worker that reads the site's data; ``samples`` or ``refused`` is set when it has."""
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.samples = self.refused = self.final = None
        # OpenMP's threads do not survive a fork, and with one thread sums keep their order.
        settled = {"OMP_NUM_THREADS": "1"} | ({} if gpu else {"CUDA_VISIBLE_DEVICES": ""})
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **settled}
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        self._order(order)

    @property
    def alive(self) -> bool:
        """Tell whether a worker is there."""
        return self._process is not None and self._process.poll() is None

    def train(self, request: dict[str, Any], model: bytes | memoryview, limit: float) -> None:
        """Train as requested for ``limit`` seconds at most; ``update`` or ``failure`` is set when it is over."""
        start, out = self._folder / "start", self._folder / "update"
        start.write_bytes(model)
        with self._lock:
            self._request, self.failure, self.update = request["name"], None, None
            self._timer = threading.Timer(limit, self._overdue, (request["name"], limit))
            self._timer.daemon = True
            self._timer.start()
        told = {
            "version": request["version"],
            "epochs": request["epochs"],
            "model": str(start),
            "update": str(out),
        }
        self._order({"train": request["name"], **told})

    def drop(self) -> None:
        """Stop training, if it does, and forget the request."""
        with self._lock:
            training = self._request is not None
            self._forget()
            self.failure = self.update = None
        if training:
            self._order({"stop": True})

    def finish(self, model: bytes | memoryview, out: Path) -> None:
        """Have the final model written; ``final`` tells what became of it."""
        start = self._folder / "final"
        start.write_bytes(model)
        out.parent.mkdir(parents=True, exist_ok=True)
        self._order({"final": str(start), "out": str(out)})

    def close(self) -> None:
        """End the worker, and with it any trainer."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):  # an order that it did not live to read
                    process.stdin.close()

    def _order(self, order: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; _listen tells

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        with process.stdout as answers:
            for line in answers:
                with contextlib.suppress(ValueError):  # what a library may print
                    self._take(json.loads(line))
                self._wake()
        with self._lock:
            if process is self._process:
                self._fail(self._request, "the trainer's process ended")
                if self.samples is None and self.refused is None:
                    self.refused = Failure(*["the trainer's process ended before it had read the data"] * 2)
        self._wake()

    def _take(self, answer: dict[str, Any]) -> None:
        with self._lock:
            match answer:
                case {"ready": int(samples)}:
                    self.samples = samples
                case {"refused": str(reason), "kind": str(kind)}:
                    self.refused = Failure(
                        f"its frames or labels cannot be used ({kind}; the site's output says why)", reason
                    )
                case {"done": str(name)} if name == self._request:
                    self._forget()
                    self.update = self._folder / "update"
                case {"failed": str(name), "reason": str(reason), "kind": str(kind)}:
                    self._fail(
                        name, f"training failed ({kind}; the site's output says why)", f"{kind}: {reason}"
                    )
                case {"killed": str(signal)}:
                    self._fail(self._request, f"the trainer was killed ({signal})")
                case {"final": str(said)}:
                    self.final = said

    def _overdue(self, request: str, limit: float) -> None:
        with self._lock:
            late = request == self._request
            self._fail(request, f"no update within {limit:g} s; the trainer was stopped")
        if late:
            self._order({"stop": True})
            self._wake()

    def _fail(self, request: str | None, told: str, own: str | None = None) -> None:
        if request is not None and request == self._request:
            self._forget()
            self.failure = Failure(told, own or told)

    def _forget(self) -> None:
        self._request = None
        if self._timer is not None:
            self._timer.cancel()
