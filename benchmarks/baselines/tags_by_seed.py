"""One job for each seed of a part of benchmarks/tags.py, its result in a file of its own under --cache."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from baselines.side_jobs import Job, Queue, run_all


def by_seed(part: str, seeds: Sequence[int], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run a part's jobs, several at a time, and return what those that are done have found, by seed."""
    script = str(Path(sys.argv[0]).resolve())
    same = (f"--device={options.device}", f"--cache={options.cache}")
    jobs = [
        Job(f"{part} {seed}", file_of(part, seed, options.cache), (script, "--job", part, str(seed), *same))
        for seed in seeds
    ]
    run_all([Queue(jobs, options.processes)])
    return [json.loads(job.result.read_text("utf-8")) for job in jobs if job.result.exists()]


def file_of(part: str, seed: int, folder: Path) -> Path:
    return folder / f"{part}-{seed}.json"


def keep(found: dict[str, Any], path: Path) -> None:
    """Write what a job found; the file appears when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_text(json.dumps(found), encoding="utf-8")
    half.rename(path)
