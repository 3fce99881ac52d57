"""Measure screening on a Ray cluster: what Ray costs, how two nodes scale, and when reading limits many.

    .venv/bin/python benchmarks/cluster.py

All by CPU time, because the machine has two cores only: of the workers, of Ray's own processes and of the command. Many
nodes are simulated on a virtual clock with what was measured of one.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import h5py

from baselines.shared_reading import SharedRun, simulated_seconds
from harness import Table, publish
from screening import SIZES, write_frames

SIZE = "2167 x 2070"
A_SHARD = 1000
"""Frames of a shard."""
REPEATS = 3
WANTED = 2.0
"""Per cent of a frame's CPU time that Ray may cost at most."""
MILLION = 1_000_000
NODES = (1, 2, 4, 8, 16, 32, 64)
CORES = 32
"""Of a simulated node."""
BANDWIDTHS = (2, 10, 50)
"""GB/s of a simulated file system: one server, a usual parallel one, a large one."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """CPU seconds of a screening."""

    frames: int
    workers: float  # the processes that screen
    ray: float  # all other processes of the cluster
    command: float  # the process that gives the shards out
    wall: float


# Processes


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in found for child in path.read_text().split()]


def descendants(pid: int) -> list[int]:
    return [below for child in children(pid) for below in (child, *descendants(child))]


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def is_worker(pid: int) -> bool:
    try:
        name = Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return False
    return name.startswith(("ray::IDLE", "ray::run_shard"))


def clock(cluster: int) -> tuple[float, float, float]:
    """Return the CPU seconds of workers, of Ray's other processes, and of this process."""
    used = {pid: cpu_seconds(pid) for pid in [cluster, *descendants(cluster)]}
    workers = sum(seconds for pid, seconds in used.items() if is_worker(pid))
    return workers, sum(used.values()) - workers, cpu_seconds(os.getpid())


@contextmanager
def running_cluster(nodes: int, folder: str) -> Iterator[tuple[int, str]]:
    """Start nodes of one core each; give the process and the address."""
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_worker_prestart": "0", "RAY_TMPDIR": folder}
    with subprocess.Popen(
        [sys.executable, "-m", "fedbragg.testing.ray_nodes", str(nodes)],
        env=os.environ | quiet,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        said = json.loads(process.stdout.readline())
        try:
            yield process.pid, said["address"]
        finally:
            process.communicate()


# One screening


class Quiet:
    """Shows nothing; a lost shard would spoil the measure."""

    def show(self, states: Sequence[object]) -> None:
        """Show nothing."""

    def tell(self, line: str) -> None:
        """End."""
        raise SystemExit(line)


def begun(path: Path, out: Path, shards: int) -> dict[Any, Path]:
    """Make the folders of the shards."""
    from fedbragg.screening.outputs.requested import Outputs
    from fedbragg.tasks import hits
    from fedbragg.workflows.cluster.begin import begin_on_cluster, make_shards
    from fedbragg.workflows.screen import Screening

    predictor = hits.open_model(hits.default_model())
    screening = Screening(predictor, predictor.card.threshold, out, 1, Outputs())
    return make_shards(begin_on_cluster([str(path)], screening, resume=False), shards, 1)


def on_ray(path: Path, nodes: int, frames: int, folder: str) -> list[Spent]:
    """Screen the run several times on a cluster of so many nodes, one shard a node at a time, after one for nothing."""
    from fedbragg.screening.stop_signal import StopSignal
    from fedbragg.workflows.cluster.ray_cluster import ray_cluster
    from fedbragg.workflows.cluster.screen_shards import ClusterScreening, screen_shards

    found = []
    with running_cluster(nodes, folder) as (process, address), ray_cluster(address) as cluster:
        for _ in range(REPEATS + 1):
            screening = ClusterScreening(begun(path, Path(folder, "out"), frames // A_SHARD), frames, 1)
            before, started = clock(process), time.perf_counter()
            screen_shards(screening, cluster, Quiet(), StopSignal())
            spent = [after - was for after, was in zip(clock(process), before, strict=True)]
            found.append(Spent(frames, *spent, time.perf_counter() - started))
    return found[1:]


def alone(path: Path, frames: int, folder: str) -> list[float]:
    """Screen the same shards in this process, which has loaded all; return the CPU seconds."""
    from fedbragg.workflows.cluster.shard_task import ShardTask, run_shard

    found = []
    for _ in range(REPEATS + 1):
        folders = begun(path, Path(folder, "alone"), frames // A_SHARD).values()
        before = time.process_time()
        for shard in folders:
            run_shard(ShardTask(str(shard), 1).to_json())
        found.append(time.process_time() - before)
    return found[1:]


def start_of_a_shard(path: Path, folder: str) -> float:
    """Return the CPU seconds that a shard takes beside its frames: a run cut into many shards, less cut into few."""
    from fedbragg.workflows.cluster.shard_task import ShardTask, run_shard

    def spent(shards: int) -> float:
        folders = begun(path, Path(folder, "start"), shards).values()
        before = time.process_time()
        for shard in folders:
            run_shard(ShardTask(str(shard), 1).to_json())
        return time.process_time() - before

    many, few = 50, 2
    return median((spent(many) - spent(few)) / (many - few) for _ in range(REPEATS))


def lengthen(path: Path, frames: int) -> float:
    """Repeat a run's stored frames until there are so many; return the mean bytes of one."""
    with h5py.File(path, "r+") as file:
        data = file["entry/data/data"]
        there = len(data)
        data.resize(frames, axis=0)
        for number in range(there, frames):
            _, chunk = data.id.read_direct_chunk((number % there, 0, 0))
            data.id.write_direct_chunk((number, 0, 0), chunk)
        return float(data.id.get_storage_size() / frames)


# Tables


def cost_rows(plain: list[float], nodes: dict[int, list[Spent]], frames: int) -> list[list[Any]]:
    """Return CPU milliseconds a frame of each way, and what Ray adds in per cent."""
    base = 1e3 * median(plain) / frames
    rows: list[list[Any]] = [["one process, no Ray", base, "", "", "", ""]]
    for number, passes in nodes.items():
        workers, ray, command = (
            1e3 * median(getattr(spent, part) for spent in passes) / frames
            for part in ("workers", "ray", "command")
        )
        added = 100 * (workers + ray + command - base) / base
        own = 100 * (ray + command) / base
        rows.append(
            [f"Ray, {number} node{'s' * (number > 1)} of one core", workers, ray, command, own, added]
        )
    return rows


def scaling_rows(plain: list[float], nodes: dict[int, list[Spent]], frames: int) -> list[list[Any]]:
    """Return how many frames come for a second of CPU time on every core, in times one process."""
    base = frames / median(plain)
    rows: list[list[Any]] = [["one process", 1, base, 1.0]]
    for number, passes in nodes.items():
        speed = number * frames / median(spent.workers + spent.ray + spent.command for spent in passes)
        rows.append([f"Ray, {number} node{'s' * (number > 1)}", number, speed, speed / base])
    return rows


def simulated_rows(cpu: float, size: float, start: float) -> list[list[Any]]:
    """Return, for each file system, how fast a million frames are screened by more and more nodes."""
    rows = []
    for bandwidth in BANDWIDTHS:
        run = SharedRun(MILLION, size, cpu, CORES, start, bandwidth * 1e9)
        first = 0.0
        for nodes in NODES:
            seconds = simulated_seconds(run, nodes, 4 * nodes)
            first = first or seconds
            busy = MILLION * cpu / (CORES * nodes * seconds)
            limit = "reading" if busy < 0.9 else "cores"
            rows.append([bandwidth, nodes, seconds, MILLION / seconds, first / seconds, 100 * busy, limit])
    return rows


def limit_rows(cpu: float, size: float) -> list[list[Any]]:
    """Return how many nodes each file system feeds: its bandwidth over what a node's cores would read."""
    a_node = CORES * size / cpu / 1e9
    return [[bandwidth, a_node, bandwidth / a_node, bandwidth * 1e9 / size] for bandwidth in BANDWIDTHS]


def tables(
    cost: list[list[Any]], scaling: list[list[Any]], load: str, measured: tuple[float, float, float]
) -> list[Table]:
    """Lay out the answers; ``measured`` is CPU seconds and bytes a frame, and CPU seconds a shard."""
    cpu, size, start = measured
    own = cost[1][4]
    assumed = (
        f"A million frames of {SIZE} pixels, {size / 1e6:.2f} MB each as stored; {1e3 * cpu:.2f} ms of CPU time a "
        f"frame and {1e3 * start:.0f} ms a shard, as measured here; nodes of {CORES} cores, four shards a node."
    )
    return [
        Table(
            f"What does Ray cost at {A_SHARD} frames a shard?",
            (
                "way",
                "workers, CPU ms a frame",
                "Ray, CPU ms",
                "command, CPU ms",
                "Ray and command, %",
                "in all, %",
            ),
            cost,
            [
                f"Simulated Eiger stills of {SIZE} pixels in the page cache, one thread a shard; medians of {REPEATS} "
                "passes after one that loads the code. Workers: the processes that screen. Ray: its other processes, "
                "of all nodes. Command: `fedbragg screen --ray`, which gives the shards out and reads their "
                "checkpoints. In all: the sum, against one process.",
                f"Wanted of Ray and command: under {WANTED:g} % of a frame. Found on one node: {own:.2f} %, "
                f"{'so it is met' if own < WANTED else 'so it is missed'}. Ray's processes are as busy on a node of "
                "many cores as on one of one core, so there a frame pays less.",
                load,
            ],
        ),
        Table(
            "How does screening scale by CPU time?",
            ("way", "cores", "frames a second of CPU time on each core", "in times one process"),
            scaling,
            [
                "What these cores would do if nobody else used them; wall-clock time on a shared machine says less.",
                load,
            ],
        ),
        Table(
            "How many nodes does a file system feed?",
            ("file system, GB/s", "a node reads, GB/s", "nodes", "frames/s at the limit"),
            limit_rows(cpu, size),
            [assumed],
        ),
        Table(
            "How long does a million frames take on 1 to 64 nodes?",
            (
                "file system, GB/s",
                "nodes",
                "seconds",
                "frames/s",
                "in times one node",
                "cores busy, %",
                "limit",
            ),
            simulated_rows(cpu, size, start),
            [
                assumed + " Simulated on a virtual clock, with the shards given out as the command does.",
                "Left out: the nodes' own networks, caches and latency, and the merge.",
            ],
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shards", type=int, default=2, help="of 1000 frames")
    frames = A_SHARD * parser.parse_args().shards
    os.environ.update({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})
    with tempfile.TemporaryDirectory(
        prefix="ray", dir="/tmp"
    ) as folder:  # the paths of sockets must be short
        path = Path(folder, "run.h5")
        write_frames(path, *SIZES[SIZE])
        start = start_of_a_shard(path, folder)
        size = lengthen(path, frames)
        plain = alone(path, frames, folder)
        nodes = {number: on_ray(path, number, frames, folder) for number in (1, 2)}
    load = f"Processes waiting for this machine's cores at the end (load average, 5 min): {os.getloadavg()[1]:.1f}."
    cost, scaling = cost_rows(plain, nodes, frames), scaling_rows(plain, nodes, frames)
    publish("cluster", tables(cost, scaling, load, (median(plain) / frames, size, start)))


if __name__ == "__main__":
    main()
