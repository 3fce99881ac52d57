"""The jobs of a study, several at a time; each keeps its result in a file, so any may be ended, and run again."""

from __future__ import annotations

import json
import multiprocessing
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fedbragg.files import write_whole
from fedbragg.progress import bars

Result = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One measurement: the name of its file, and what is measured, which another process can be sent."""

    name: str
    measure: Callable[[], Mapping[str, Any]]


def results(jobs: Sequence[Job], folder: Path, processes: int) -> list[Result]:
    """Return the results of all jobs in their order, from the folder where they are there already.

    A job that fails says so and stops no other; the study then ends with the names of what is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with bars() as progress:
        to_run = missing(jobs, folder)
        step = progress.stage("Attacking", len(to_run))
        for job, error in _run(to_run, folder, processes):
            if error is not None:
                print(f"{job.name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            step()
    if lost := missing(jobs, folder):
        raise SystemExit(
            f"{len(lost)} of {len(jobs)} jobs have no result, the first {lost[0].name!r}; run this again"
        )
    return [json.loads(_path(job, folder).read_text(encoding="utf-8")) for job in jobs]


def missing(jobs: Sequence[Job], folder: Path) -> list[Job]:
    """Return the jobs that have no result yet."""
    return [job for job in jobs if not _path(job, folder).exists()]


def _keep(job: Job, folder: Path) -> None:
    write_whole(_path(job, folder), json.dumps(job.measure()))


def _run(jobs: Sequence[Job], folder: Path, processes: int) -> Iterator[tuple[Job, BaseException | None]]:
    """Run jobs, here where one process is enough; yield each when it has ended, with its error."""
    if processes == 1:
        yield from ((job, _error(job, folder)) for job in jobs)
        return
    spawn = multiprocessing.get_context("spawn")  # a forked process cannot use CUDA
    with ProcessPoolExecutor(processes, spawn, torch.set_num_threads, (1,)) as pool:
        running = {pool.submit(_keep, job, folder): job for job in jobs}
        yield from ((running[done], done.exception()) for done in as_completed(running))


def _error(job: Job, folder: Path) -> Exception | None:
    try:
        _keep(job, folder)
    except Exception as error:
        return error
    return None


def _path(job: Job, folder: Path) -> Path:
    return folder / f"{re.sub('[^A-Za-z0-9]+', '-', job.name)}.json"
