"""Processes that carry out the jobs of a comparison, several at a time."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from fedbragg.errors import FederationError

Job = Mapping[str, Any]
"""An order of bench_worker.py, as JSON."""


class JobProcesses:
    """Processes of one program, each given the same first line; use it as a context."""

    def __init__(self, command: Sequence[str], first: Job, processes: int) -> None:
        # One thread each: several trainings share the cores, and sums keep their order.
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._all = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            for _ in range(processes)
        ]
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        for process in self._all:
            _send(process, first)
            self._idle.put(process)

    def __enter__(self) -> JobProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._all:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(BrokenPipeError):
                    stream.close() if stream else None

    def run(self, jobs: Sequence[Job], done: Callable[[Job], None]) -> None:
        """Carry out jobs in any order and call ``done`` after each; raise FederationError where one fails."""
        with ThreadPoolExecutor(len(self._all)) as threads:
            running = {threads.submit(self._carry_out, job): job for job in jobs}
            try:
                for finished in as_completed(running):
                    finished.result()
                    done(running[finished])
            except BaseException:
                for future in running:
                    future.cancel()
                for process in self._all:  # this frees a thread that waits for one
                    process.kill()
                raise

    def _carry_out(self, job: Job) -> None:
        process = self._idle.get()
        _send(process, job)
        answer = _answer(process)
        if answer is None:
            raise FederationError(
                f"the process for {Path(job['out']).name} ended early; its message is above."
            )
        if "error" in answer:
            raise FederationError(answer["error"])
        self._idle.put(process)


def _send(process: subprocess.Popen[bytes], job: Job) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it has ended, as its missing answer will show
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.flush()


def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
    """Return the next line of JSON, None where the process has ended; a library may print other lines."""
    for line in process.stdout or ():
        with contextlib.suppress(ValueError):
            answer = json.loads(line)
            if isinstance(answer, dict):
                return answer
    return None
