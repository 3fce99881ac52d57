"""Compare arms on one federation over several seeds, in parallel processes; finished results are kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fedbragg.errors import ConfigError
from fedbragg.progress import SILENT, Progress, Step
from fedbragg.workflows.bench_arms import Arm, arms_of, digest, start_digest
from fedbragg.workflows.bench_pool import Job, JobProcesses
from fedbragg.workflows.bench_worker import COMMAND
from fedbragg.workflows.federate import Project, check_data, open_project
from fedbragg.workflows.folder import make_folder

STARTS, RESULTS = "starts", "results"


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """The arms to compare, and the folder of the results."""

    settings: Path  # the federation.toml
    arms: tuple[str, ...]
    out: Path
    seeds: int = 5  # the settings' seed and those that follow it
    processes: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """The results of a comparison."""

    project: Project
    arms: Sequence[Arm]
    seeds: Sequence[int]
    results: Sequence[dict[str, Any]]  # of bench_worker.trained, with arm and seed; arms outer, seeds inner


def bench(request: BenchRequest, progress: Progress = SILENT) -> Bench:
    """Train every arm with every seed that OUT lacks, and return all results.

    Raises ConfigError for arms that are unknown or do not fit, and where OUT holds results of other settings.
    """
    project = open_project(request.settings, "local")
    check_data(project.settings)
    if project.networks.differ:
        raise ConfigError(
            f"{request.settings} [[sites]]: bench compares rules on one network; leave network out of [[sites]]."
        )
    arms = arms_of(request.arms, project)
    first = project.settings.seed
    seeds = range(first, first + request.seeds)
    make_folder(request.out)
    jobs = [job for arm in arms for seed in seeds if (job := _job(request.out, project, arm, seed))]
    if jobs:
        _carry_out(request, jobs, progress)
    results = [_read(_result(request.out, arm, seed)) for arm in arms for seed in seeds]
    return Bench(project, arms, seeds, results)


def _carry_out(request: BenchRequest, jobs: Sequence[Job], progress: Progress) -> None:
    starts = {job["start"]: job["seed"] for job in jobs if not Path(job["start"]).exists()}
    making = [{"kind": "start", "seed": seed, "out": path} for path, seed in starts.items()]
    for folder in (STARTS, RESULTS):
        make_folder(request.out / folder)
    first = {"settings": str(request.settings)}
    processes = max(1, min(request.processes, max(len(jobs), len(making))))
    with JobProcesses(COMMAND, first, processes) as pool:
        for title, orders in (("Start models", making), ("Arms", jobs)):
            if orders:
                step = progress.stage(title, len(orders))
                pool.run(orders, _counting(step))


def _counting(step: Step) -> Callable[[Job], None]:
    """Return a callback that counts a finished job and shows its name."""
    return lambda job: step(Path(job["out"]).stem)


def _job(out: Path, project: Project, arm: Arm, seed: int) -> Job | None:
    """Return the job of an arm and a seed, None where its result exists."""
    path, wanted = _result(out, arm, seed), digest(arm, arm.project(project, seed))
    if path.exists():
        if _read(path).get("digest") != wanted:
            raise ConfigError(f"{path} was made with other settings. Give another --out, or remove it.")
        return None
    start = out / STARTS / f"seed-{seed}-{start_digest(project)}.safetensors"
    return {"kind": "arm", "arm": asdict(arm), "seed": seed, "start": str(start), "out": str(path)}


def _result(out: Path, arm: Arm, seed: int) -> Path:
    return out / RESULTS / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', arm.name)}-seed-{seed}.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise ConfigError(f"{path} is not a result of fedbragg bench. Remove it.") from None
    return content
