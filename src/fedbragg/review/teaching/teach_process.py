"""The worker process that adapts a model, as the page's server sees it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """The progress of the worker."""

    status: str = "idle"  # idle, running, done or failed
    stage: str = ""
    done: int = 0  # units of the stage
    total: int | None = None
    problem: str = ""  # why there is no result
    result: Mapping[str, Any] = field(default_factory=dict)


class TeachProcess:
    """Runs one request at a time; safe to call from several threads."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._report = Report()

    @property
    def report(self) -> Report:
        """Return the worker's progress."""
        return self._report

    def start(self, request: Mapping[str, Any]) -> None:
        """Start the worker, in place of one that runs. Raises OSError."""
        self.stop()
        with self._lock:
            process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
            self._process, self._report = process, Report("running", "Starting")
        threading.Thread(target=self._listen, args=(process, request), daemon=True).start()

    def stop(self) -> None:
        """End the worker and forget its result."""
        with self._lock:
            process, self._process, self._report = self._process, None, Report()
        if process is not None:
            process.kill()
            process.wait()

    def _listen(self, process: subprocess.Popen[str], request: Mapping[str, Any]) -> None:
        into, out = process.stdin, process.stdout
        if into is None or out is None:
            return
        with out, into:  # the worker ends when its input does
            try:
                into.write(json.dumps(request) + "\n")
                into.flush()
                for line in out:
                    self._take(process, _report_of(json.loads(line)))
            except (OSError, ValueError) as error:
                self._take(process, Report("failed", problem=f"The training process failed: {error}."))
        code = process.wait()
        if self._report.status == "running":
            self._take(process, Report("failed", problem=f"The training process ended with code {code}."))

    def _take(self, process: subprocess.Popen[str], report: Report) -> None:
        with self._lock:
            if process is self._process:  # ignore events of a stopped one
                self._report = report


def _report_of(event: Mapping[str, Any]) -> Report:
    if "problem" in event:
        return Report("failed", problem=str(event["problem"]))
    if "result" in event:
        return Report("done", result=event["result"])
    return Report("running", event["stage"], event["done"], event["total"])
