"""FedKL's table on simulated frames: what the weights, the prior and BatchNorm each do, on the paper's own pipeline.

    nice .venv/bin/python benchmarks/fedkl_paper.py simulate --processes 2
    nice .venv/bin/python benchmarks/fedkl_paper.py train --blocks spotnet-skewed --processes 2
    python benchmarks/fedkl_paper.py train --device cuda --processes 8 --minutes 8
    .venv/bin/python benchmarks/fedkl_paper.py publish

Each stage resumes. Training writes a file for each run into FOLDER/runs; ``publish`` makes tables of all that are
there. Any process may be ended at any time, and loses the run that it is at.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from baselines.paper_blocks import BLOCKS, SPOTNET, Job, jobs
from baselines.paper_jobs import clear_claims, run_workers, work_through
from fedbragg.files import write_whole

CHUNKS = 22
"""Chunks of frames: 200 frames more than are used, so that each label has enough."""
FULL_BUDGET = 0.95
"""Share of the time after which no run begins."""


def main() -> None:
    options = _options()
    STAGES[options.stage](options)


def simulate(options: argparse.Namespace) -> None:
    """Simulate the frames, and pack them for training."""
    from baselines.paper_frames import paper_frames, paper_peaks

    _in_processes(options, "frames")
    paper_frames(options.folder / "frames", options.shrink)
    paper_peaks(options.folder / "frames")


def simulate_some(options: argparse.Namespace) -> None:
    """Simulate chunks until none is left."""
    _one_thread()
    from baselines.paper_frames import chunk_path, simulate_chunk

    folder = options.folder / "frames"
    numbers = {chunk_path(folder, number): number for number in range(CHUNKS)}
    work_through([*numbers], lambda path: simulate_chunk(numbers[path], folder), options.until)


def train(options: argparse.Namespace) -> None:
    """Train, the most important runs first."""
    _in_processes(options, "runs")


def train_some(options: argparse.Namespace) -> None:
    """Train until no run is left or time is short."""
    _one_thread()
    wanted = {
        options.folder / "runs" / f"{job.name}.json": job for job in jobs(options.blocks, options.seeds)
    }
    learner = cache(lambda network, group_norm: _learner(options, network, group_norm))
    until = time.time() + FULL_BUDGET * (options.until - time.time())
    work_through([*wanted], lambda path: _train_one(wanted[path], path, learner, options), until)


def _train_one(
    job: Job, path: Path, learner: Callable[[str, bool], tuple[Any, Any]], options: argparse.Namespace
) -> None:
    from baselines.paper_arms import PaperRun
    from baselines.paper_partitions import split

    began, cpu = time.perf_counter(), time.process_time()
    teacher, labels = learner(job.block.network, job.arm.group_norm)
    parts = split(labels, job.block.partition, job.seed)
    found = PaperRun(teacher, parts, job.arm, job.seed, options.barriers).result()
    spent = {
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
    }
    how = {"device": options.device, "shrink": options.shrink, "barriers": options.barriers, **spent}
    write_whole(path, json.dumps({**job.facts, **how, **found}))
    print(f"{job.name}: {spent['seconds']} s", flush=True)


def _learner(options: argparse.Namespace, network: str, group_norm: bool) -> tuple[Any, Any]:
    """Return what trains a network, and the labels of the frames."""
    from baselines.paper_frames import paper_frames, paper_peaks

    folder = options.folder / "frames"
    if network == SPOTNET:
        from baselines.paper_peaks import PeakLearner

        data, labels = paper_peaks(folder)
        return PeakLearner(data), labels
    from baselines.paper_crops import CropLearner, Crops

    frames = paper_frames(folder, options.shrink)
    return CropLearner(network, group_norm, Crops.of(frames, options.device)), frames.labels


def publish_tables(options: argparse.Namespace) -> None:
    """Write the tables of all runs that are there."""
    from baselines.paper_tables import tables
    from harness import publish

    results = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((options.folder / "runs").glob("*.json"))
    ]
    publish("fedkl_paper", tables(results))


def _in_processes(options: argparse.Namespace, place: str) -> None:
    """Run the stage's workers; raise SystemExit where one failed."""
    folder = options.folder / place
    folder.mkdir(parents=True, exist_ok=True)
    clear_claims(folder)
    until = time.time() + 60 * options.minutes
    arguments = [
        f"--{name}={getattr(options, name)}" for name in ("folder", "shrink", "device", "seeds", "barriers")
    ]
    command = [__file__, f"{options.stage}-some", *arguments, f"--until={until}", "--blocks", *options.blocks]
    failed = run_workers(command, options.processes, until)
    clear_claims(folder)
    if failed:
        raise SystemExit(f"{failed} of {options.processes} processes failed; their messages are above.")


def _one_thread() -> None:
    from fedbragg.learn.threads import keep_to_one_core
    from fedbragg.processes import die_with_parent

    die_with_parent()
    keep_to_one_core()


STAGES: dict[str, Callable[[argparse.Namespace], None]] = {
    "simulate": simulate,
    "simulate-some": simulate_some,
    "train": train,
    "train-some": train_some,
    "publish": publish_tables,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=STAGES, help="the stages in -some are one process of the one before")
    parser.add_argument("--folder", type=Path, default=Path("fedkl-paper"))
    parser.add_argument("--blocks", nargs="+", choices=BLOCKS, default=[*BLOCKS])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--barriers", type=int, default=5)
    parser.add_argument("--shrink", type=int, default=2, help="pixels along an edge of which one is the mean")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1e6, help="after which all processes end")
    parser.add_argument("--until", type=float, default=float("inf"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
