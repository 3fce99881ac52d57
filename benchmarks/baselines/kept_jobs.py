"""Trainings of a benchmark, each by itself and each result kept, so that what was stopped goes on where it was."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """One training and its judgement."""

    name: str  # of the file with its result; unique
    work: Callable[
        [str], Any
    ]  # from the device to what JSON can hold; importable, for it runs in other processes


@dataclass(frozen=True, slots=True)
class Running:
    """Where jobs run, and where their results are kept."""

    kept: Path
    processes: int = 2
    device: str = "cpu"
    trained_on: str = ""  # in words for the tables, where results were brought from another machine

    @property
    def where(self) -> str:
        """Return a sentence that says where the trainings ran."""
        return f"Trained on {self.trained_on or self.device}."

    def file(self, name: str) -> Path:
        """Return where the result of a job is kept."""
        return self.kept / f"{name}.json"


def run(jobs: Sequence[Job], running: Running) -> None:
    """Run the jobs whose results are not kept yet, in their order, several at a time, and keep what they find."""
    running.kept.mkdir(parents=True, exist_ok=True)
    open_jobs = [(job, running) for job in jobs if not running.file(job.name).exists()]
    with multiprocessing.get_context("spawn").Pool(running.processes) as pool:
        for name, seconds, failure in pool.imap_unordered(_carry_out, open_jobs, chunksize=1):
            print(f"{name}: {failure or 'done'}, {seconds:.0f} s", file=sys.stderr, flush=True)


def kept(jobs: Sequence[Job], running: Running) -> list[Any]:
    """Return the results that are kept of some jobs, in their order; those that never ended are missing."""
    files = [running.file(job.name) for job in jobs]
    return [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]


def _carry_out(order: tuple[Job, Running]) -> tuple[str, float, str]:
    import torch

    torch.set_num_threads(1)
    job, running = order
    start = time.perf_counter()
    try:
        found = job.work(running.device)
    except Exception as error:  # one failed training must not end the others
        return job.name, time.perf_counter() - start, f"{type(error).__name__}: {error}"
    file = running.file(job.name)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_text(json.dumps(found), encoding="utf-8")
    fresh.replace(file)
    return job.name, time.perf_counter() - start, ""
