"""The jobs of a study, several at a time; each keeps its result in a file, so any may be ended, and run again."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines.kept_jobs import carry_out
from fedbragg.progress import bars

Result = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One measurement: the name of its file, and the function that measures, which can be sent to another process."""

    name: str
    measure: Callable[[], Mapping[str, Any]]


def results(jobs: Sequence[Job], folder: Path, processes: int) -> list[Result]:
    """Return the results of all jobs in their order, from the folder if finished earlier.

    A job that fails says so and stops no other; the study then ends with the names of the missing ones.
    """
    with bars() as progress:
        to_run = {_path(job, folder): job for job in missing(jobs, folder)}
        step = progress.stage("Attacking", len(to_run))
        works = {path: job.measure for path, job in to_run.items()}
        for path, ended in carry_out(works, processes):
            if (error := ended.error) is not None:
                print(f"{to_run[path].name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            step()
    if lost := missing(jobs, folder):
        raise SystemExit(
            f"{len(lost)} of {len(jobs)} jobs have no result, the first {lost[0].name!r}; run this again"
        )
    return [json.loads(_path(job, folder).read_text(encoding="utf-8")) for job in jobs]


def missing(jobs: Sequence[Job], folder: Path) -> list[Job]:
    """Return the jobs that have no result yet."""
    return [job for job in jobs if not _path(job, folder).exists()]


def _path(job: Job, folder: Path) -> Path:
    return folder / f"{re.sub('[^A-Za-z0-9]+', '-', job.name)}.json"
