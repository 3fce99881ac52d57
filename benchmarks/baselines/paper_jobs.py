"""Work that processes share: each takes the next job that nobody has begun, and any of them may be ended at any time.

A job is a file that is to be written. A process claims it by creating NAME.claim beside it, so there is no queue and
no parent that hands out work. Claims of processes that have ended are removed before the next begins.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

POLL = 0.5
"""Seconds between checks of the workers."""


def work_through(jobs: Mapping[Path, Callable[[], None]], until: float) -> int:
    """Do the jobs that nobody has claimed, in order, as long as the longest so far would end by ``until``.

    ``until`` is in seconds since the epoch. A job that raises is reported and skipped, because the others may succeed;
    returns how many did.
    """
    failed, longest = 0, 0.0
    for path, work in jobs.items():
        if time.time() + longest > until:
            break
        if not path.exists() and claim(path):
            began = time.time()
            try:
                work()
            except Exception:
                failed += 1
                print(f"{path.name} failed:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            longest = max(longest, time.time() - began)
    return failed


def claim(path: Path) -> bool:
    """Return whether this process is the first to claim a job."""
    try:
        with claim_path(path).open("x") as file:
            file.write(str(os.getpid()))
            return True
    except FileExistsError:
        return False


def claim_path(path: Path) -> Path:
    return path.with_name(path.name + ".claim")


def clear_claims(folder: Path) -> None:
    """Remove the claims that ended processes have left."""
    for left in folder.glob("*.claim"):
        number = left.read_text()
        if not number or not _runs(int(number)):
            left.unlink()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def run_workers(command: Sequence[str], number: int, until: float) -> int:
    """Run the same command in several processes until all end, and end them at ``until``; return how many failed.

    Those ended then lose their current job, and do not count as failed. Each has one thread: BLAS
    would have one for every core in each process, and they would wait for one another most of the time.
    """
    alone = os.environ | {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    workers = [subprocess.Popen([sys.executable, *command], env=alone) for _ in range(number)]
    try:
        while any(worker.poll() is None for worker in workers) and time.time() < until:
            time.sleep(POLL)
        return sum(worker.poll() not in (None, 0) for worker in workers)
    finally:
        for worker in workers:
            with suppress(ProcessLookupError):
                worker.kill()
            worker.wait()
