"""A running ``fedbragg watch``, the detector before it, and what it writes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commands import FEDBRAGG

from fedbragg import api
from fedbragg.live.push import Push
from fedbragg.screening.outputs.tables import read_verdicts, verdict_files
from fedbragg.types import Verdict

PATIENCE = 120.0
"""Seconds after which something that has not happened never will."""


@dataclass
class Watch:
    """A running watch, and what it has said so far."""

    process: subprocess.Popen[str]
    folder: Path  # holds out/, said.txt and errors.txt

    @property
    def said(self) -> str:
        return (self.folder / "said.txt").read_text()

    @property
    def errors(self) -> str:
        return (self.folder / "errors.txt").read_text()

    def verdicts(self, series: str) -> list[Verdict]:
        path = self.folder / "out" / series / "verdicts.csv"
        text = path.read_text() if path.exists() else ""
        return list(read_verdicts(text[: text.rfind("\n") + 1].splitlines()))

    def wait_for(self, happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < deadline, self.said + self.errors
            assert self.process.poll() is None, self.said + self.errors
            time.sleep(0.02)

    def ended(self, number: int | None = None) -> int:
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def watching(
    folder: Path, address: str, *options: str, out: bool = True, env: Mapping[str, str] | None = None
) -> Iterator[Watch]:
    folder.mkdir(exist_ok=True)
    into = ("--out", str(folder / "out")) if out else ()
    command = [str(FEDBRAGG), "watch", address, *into, "--threads", "2", *options]
    with (folder / "said.txt").open("w") as said, (folder / "errors.txt").open("w") as errors:
        process = subprocess.Popen(
            command, stdout=said, stderr=errors, text=True, cwd=folder, env=env and {**os.environ, **env}
        )
        try:
            yield Watch(process, folder)
        finally:
            process.kill()
            process.wait()


@contextmanager
def detector(address: str) -> Iterator[Callable[[Sequence[bytes]], None]]:
    push = Push(address)
    try:
        yield lambda messages: [push.send([each], lambda: False) for each in messages] and None
    finally:
        push.close(linger=0)


def table(path: Path) -> list[str]:
    """Return the rows of a verdicts.csv without the paths."""
    return [row.split(",", 1)[1] for row in path.read_text().splitlines()]


def screened(run: Path, folder: Path) -> None:
    """Screen a run from Python, which spares its report."""
    with verdict_files(folder) as files:
        for verdict in api.screen(run):
            files.write(verdict)
