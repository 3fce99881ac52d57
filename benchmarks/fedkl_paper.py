"""FedKL's table on simulated frames: what the weights, the prior and BatchNorm each do, on the paper's own pipeline.

    nice .venv/bin/python benchmarks/fedkl_paper.py simulate --processes 2
    nice .venv/bin/python benchmarks/fedkl_paper.py train --blocks spotnet-skewed --processes 2
    python benchmarks/fedkl_paper.py train --device cuda --processes 8 --minutes 8
    .venv/bin/python benchmarks/fedkl_paper.py publish

Each stage resumes. Training writes a file for each run into FOLDER/runs; ``publish`` makes tables of those
finished. Any process may be ended at any time, and loses its current run only.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from baselines.paper_blocks import BLOCKS, SHRINK, SHRUNK, builds, jobs
from baselines.paper_jobs import clear_claims, run_workers, work_through
from baselines.paper_workshop import Workshop

CHUNKS = 22
"""Chunks of frames: 200 frames more than are used, so that each label has enough."""


def main() -> None:
    options = _options()
    STAGES[options.stage](options)


def simulate(options: argparse.Namespace) -> None:
    """Simulate the frames, and pack them for training."""
    from baselines.paper_frames import paper_frames, paper_peaks

    folder = options.folder / "frames"
    _in_processes(options, [folder])
    for shrink in sorted({SHRUNK, *SHRINK.values()}):
        paper_frames(folder, shrink)
    paper_peaks(folder)


def simulate_some(options: argparse.Namespace) -> None:
    """Simulate chunks until none is left."""
    _one_thread()
    from baselines.paper_frames import chunk_path, simulate_chunk

    folder = options.folder / "frames"
    chunks = {chunk_path(folder, n): partial(simulate_chunk, n, folder) for n in range(CHUNKS)}
    _end(work_through(chunks, options.until))


def train(options: argparse.Namespace) -> None:
    """Choose the rates and train, the most important runs first."""
    _in_processes(options, [options.folder / "rates", options.folder / "runs"])


def train_some(options: argparse.Namespace) -> None:
    """Train until no run is left or time is short."""
    _one_thread()
    import torch

    from baselines.paper_rates import RATES, rate_path

    torch.backends.cudnn.benchmark = True  # nearly all batches have one size
    workshop = Workshop(options.folder, options.device, options.barriers)
    tried: dict[Path, Callable[[], None]] = {
        rate_path(workshop.rates, *built, rate): partial(workshop.try_rate, *built, rate)
        for built in builds(options.blocks)
        for rate in RATES
    }
    runs: dict[Path, Callable[[], None]] = {
        workshop.runs / f"{job.name}.json": partial(workshop.train, job)
        for job in jobs(options.blocks, options.seeds)
    }
    _end(work_through(in_order(tried, runs), options.until))


def in_order(
    tried: Mapping[Path, Callable[[], None]], runs: Mapping[Path, Callable[[], None]]
) -> dict[Path, Callable[[], None]]:
    """Return all work: each network's rates are tried just before its runs."""
    ordered: dict[Path, Callable[[], None]] = {}
    for path, work in runs.items():
        network = path.name.partition("-")[0]
        ordered |= {rate: trial for rate, trial in tried.items() if rate.name.partition("-")[0] == network}
        ordered[path] = work
    return ordered


def publish_tables(options: argparse.Namespace) -> None:
    """Write the tables of all runs that are there."""
    from baselines.paper_tables import tables
    from harness import publish

    results = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((options.folder / "runs").glob("*.json"))
    ]
    publish("fedkl_paper", tables(results))


def _in_processes(options: argparse.Namespace, folders: Sequence[Path]) -> None:
    """Run the stage's workers, which write into the folders; raise SystemExit where one failed."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        clear_claims(folder)
    until = time.time() + 60 * options.minutes
    arguments = [f"--{name}={getattr(options, name)}" for name in ("folder", "device", "seeds", "barriers")]
    command = [__file__, f"{options.stage}-some", *arguments, f"--until={until}", "--blocks", *options.blocks]
    failed = run_workers(command, options.processes, until)
    for folder in folders:
        clear_claims(folder)
    if failed:
        raise SystemExit(f"{failed} of {options.processes} processes failed; their messages are above.")


def _end(failed: int) -> None:
    if failed:
        raise SystemExit(f"{failed} jobs failed")


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
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1e6, help="after which all processes end")
    parser.add_argument("--until", type=float, default=float("inf"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
