"""Jobs beside each other, each in a process of its own: one may end or be stopped without the others.

A job's result is one file; a job whose file is there is not run again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """A call of a script."""

    name: str
    result: Path  # the file that says that the job is done
    command: tuple[str, ...]  # the script and its arguments
    after: tuple[str, ...] = ()  # names of the jobs whose results it reads


@dataclass(frozen=True)
class Queue:
    """Jobs that run in their order, several at a time."""

    jobs: Sequence[Job]
    processes: int


def run_all(queues: Sequence[Queue]) -> list[str]:
    """Run the jobs of all queues, whose later ones may wait for earlier ones; return the names of those that failed."""
    started: dict[str, Future[bool]] = {}
    pools = [ThreadPoolExecutor(queue.processes) for queue in queues]
    for queue, pool in zip(queues, pools, strict=True):
        for job in queue.jobs:
            started[job.name] = pool.submit(_run, job, [started[name] for name in job.after])
    failed = [name for name, future in started.items() if not future.result()]
    for pool in pools:
        pool.shutdown()
    return failed


def _run(job: Job, before: Sequence[Future[bool]]) -> bool:
    """Run a job once those before it are done; return whether its result is there."""
    if not all(future.result() for future in before):
        return False
    if not job.result.exists():
        job.result.parent.mkdir(parents=True, exist_ok=True)
        one_core = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        subprocess.run([sys.executable, *job.command], env=os.environ | one_core, check=False)
    print(f"{job.name}: {'done' if job.result.exists() else 'FAILED'}", file=sys.stderr, flush=True)
    return job.result.exists()
