"""Trainings of a benchmark, each independent and with its result kept, so that a stopped benchmark can resume."""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fedbragg.files import write_whole


@dataclass(frozen=True, slots=True)
class Job:
    """One training and its judgement."""

    name: str  # of the file with its result; unique
    work: Callable[[str], Any]
    """Takes the device, returns JSON; importable, because it runs in other processes."""


@dataclass(frozen=True, slots=True)
class Running:
    """The device of the jobs, and the folder of their results."""

    kept: Path
    processes: int = 2
    device: str = "cpu"
    trained_on: str = ""  # in words for the tables, where results were brought from another machine

    @property
    def where(self) -> str:
        """Return a sentence that says where the trainings ran."""
        return f"Trained on {self.trained_on or self.device}."

    def file(self, name: str) -> Path:
        """Return the file of a job's result."""
        return self.kept / f"{name}.json"


def run(jobs: Sequence[Job], running: Running) -> None:
    """Run the jobs whose results are not kept yet, in their order, several at a time, and keep their results."""
    works = {running.file(job.name): partial(job.work, running.device) for job in jobs}
    for path, ended in carry_out(works, running.processes):
        failure = f"{type(ended.error).__name__}: {ended.error}" if ended.error else "done"
        print(f"{path.stem}: {failure}, {ended.seconds:.0f} s", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Ended:
    """How one piece of work has ended."""

    seconds: float
    error: BaseException | None = None


def carry_out(works: Mapping[Path, Callable[[], Any]], processes: int) -> Iterator[tuple[Path, Ended]]:
    """Write the results of works to their files, as JSON, where there is none yet; yield each when it has ended.

    One process is this one. A job that fails stops no other, and a killed process loses no finished one.
    """
    for folder in {path.parent for path in works}:
        folder.mkdir(parents=True, exist_ok=True)
    left = {path: work for path, work in works.items() if not path.exists()}
    if processes == 1:
        yield from ((path, _write(path, work)) for path, work in left.items())
        return
    spawn = multiprocessing.get_context("spawn")  # a forked process cannot use CUDA
    with ProcessPoolExecutor(processes, spawn, _use_one_thread) as pool:
        running = {pool.submit(_write, path, work): path for path, work in left.items()}
        for future in as_completed(running):
            broken = future.exception()
            yield running[future], Ended(0.0, broken) if broken else future.result()


def kept(jobs: Sequence[Job], running: Running) -> list[Any]:
    """Return the results that are kept of some jobs, in their order; those that never ended are missing."""
    files = [running.file(job.name) for job in jobs]
    return [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _write(path: Path, work: Callable[[], Any]) -> Ended:
    start = time.perf_counter()
    try:
        write_whole(path, json.dumps(work()))
    except Exception as error:
        return Ended(time.perf_counter() - start, error)
    return Ended(time.perf_counter() - start)
