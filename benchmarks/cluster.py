"""Measure screening on a Ray cluster: what Ray costs, how two nodes scale, and when reading limits many.

    .venv/bin/python benchmarks/cluster.py

CPU time throughout, because the machine has two cores only: of the workers, of Ray's own processes and of the command.
Many nodes are simulated on a virtual clock from the measurements of one.
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
"""Cores of a simulated node."""
BANDWIDTHS = (2, 10, 50)
"""GB/s of a simulated file system: one server, a usual parallel one, a large one."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """CPU seconds of a screening."""

    workers: float  # the processes that screen
    ray: float  # all other processes of the cluster
    command: float  # the process that gives the shards out
    wall: float


@dataclass(frozen=True)
class OnRay:
    """The CPU time of a cluster of this many nodes of one core, in several passes."""

    nodes: int
    passes: list[Spent]
    task: float  # CPU seconds of all processes for a task that does nothing

    def __getitem__(self, part: str) -> float:
        """Return the median of a part."""
        return median(getattr(spent, part) for spent in self.passes)

    @property
    def share(self) -> float:
        """Return how much of a core one node's Ray and the command use all the time."""
        return median((spent.ray / self.nodes + spent.command) / spent.wall for spent in self.passes)


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


def on_ray(path: Path, nodes: int, frames: int, folder: str) -> OnRay:
    """Screen the run several times on a cluster of this many nodes, one shard a node at a time, after a warm-up."""
    from fedbragg.screening.stop_signal import StopSignal
    from fedbragg.workflows.cluster.ray_cluster import ray_cluster
    from fedbragg.workflows.cluster.screen_shards import ClusterScreening, screen_shards

    passes = []
    with running_cluster(nodes, folder) as (process, address), ray_cluster(address) as cluster:
        for _ in range(REPEATS + 1):
            screening = ClusterScreening(begun(path, Path(folder, "out"), frames // A_SHARD), frames, 1)
            before, started = clock(process), time.perf_counter()
            screen_shards(screening, cluster, Quiet(), StopSignal())
            spent = [after - was for after, was in zip(clock(process), before, strict=True)]
            passes.append(Spent(*spent, time.perf_counter() - started))
        return OnRay(nodes, passes[1:], empty_task(cluster, process))


def empty_task(cluster: Any, process: int) -> float:
    """Return the CPU seconds, of all processes, for a task that finds no folder and says so."""
    from fedbragg.workflows.cluster.shard_task import ShardTask

    node, tasks = cluster.nodes()[0], 100
    before = clock(process)
    for _ in range(tasks):
        cluster.start(node, ShardTask("/nowhere/at all", 1).to_json())
        while not cluster.ended(1.0):
            pass
    return (sum(clock(process)) - sum(before)) / tasks


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
    """Repeat a run's stored frames up to this number; return the mean bytes of one."""
    with h5py.File(path, "r+") as file:
        data = file["entry/data/data"]
        there = len(data)
        data.resize(frames, axis=0)
        for number in range(there, frames):
            _, chunk = data.id.read_direct_chunk((number % there, 0, 0))
            data.id.write_direct_chunk((number, 0, 0), chunk)
        return float(data.id.get_storage_size() / frames)


# Tables


def cost_rows(plain: list[float], clusters: list[OnRay], frames: int) -> list[list[Any]]:
    """Return CPU milliseconds a frame of each way, and Ray's overhead in per cent."""
    base = 1e3 * median(plain) / frames
    rows: list[list[Any]] = [["one process, no Ray", base, "", "", "", "", ""]]
    for found in clusters:
        workers, ray, command = (1e3 * found[part] / frames for part in ("workers", "ray", "command"))
        own, added = 100 * (ray + command) / base, 100 * (workers + ray + command - base) / base
        rows.append([named(found.nodes), workers, ray, command, own, added, 1e3 * found["wall"] / frames])
    return rows


def named(nodes: int) -> str:
    return f"Ray, {nodes} node{'s' * (nodes > 1)} of one core"


def share_rows(plain: list[float], found: OnRay, frames: int) -> list[list[Any]]:
    """Return the share of a frame's time that Ray and the command take on nodes whose cores only screen."""
    base = median(plain) / frames
    rows = []
    for cores in (1, 2, 8, 32):
        always, each = 100 * found.share / cores, 100 * found.task / A_SHARD / base
        rows.append([cores, always, each, always + each, "yes" if always + each < WANTED else "no"])
    return rows


def scaling_rows(plain: list[float], clusters: list[OnRay], frames: int) -> list[list[Any]]:
    """Return how many frames come for a second of CPU time on every core, in times one process."""
    base = frames / median(plain)
    rows: list[list[Any]] = [["one process", 1, base, 1.0]]
    for found in clusters:
        spent = median(one.workers + one.ray + one.command for one in found.passes)
        rows.append(
            [
                named(found.nodes),
                found.nodes,
                found.nodes * frames / spent,
                found.nodes * frames / spent / base,
            ]
        )
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


def tables(plain: list[float], clusters: list[OnRay], frames: int, size: float, start: float) -> list[Table]:
    """Lay out the answers; ``size`` is bytes a frame, ``start`` CPU seconds a shard."""
    load = f"Processes waiting for this machine's cores at the end (load average, 5 min): {os.getloadavg()[1]:.1f}."
    cpu = median(plain) / frames
    cost, shares = cost_rows(plain, clusters, frames), share_rows(plain, clusters[0], frames)
    own, enough = cost[1][4], [row[0] for row in shares if row[-1] == "yes"]
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
                "wall-clock ms",
            ),
            cost,
            [
                f"Simulated Eiger stills of {SIZE} pixels in the page cache, one thread a shard; medians of {REPEATS} "
                "passes after one that loads the code. Workers: the processes that screen. Ray: its other processes, "
                "of all nodes. Command: `fedbragg screen --ray`, which gives the shards out and reads their "
                "checkpoints. In all: the sum, against one process; its noise is that of the workers.",
                f"Wanted of Ray and command: under {WANTED:g} % of a frame. Found on one node: {own:.1f} %, "
                f"{'so it is met' if own < WANTED else 'so it is missed here'}. Both are as busy while a frame waits "
                "for a core as while it is screened, and here it waited most of the time: Ray's workers let others go "
                "first. The next table takes the waiting out.",
                load,
            ],
        ),
        Table(
            "What does Ray take of a frame on a node that does nothing else?",
            (
                "cores of a node",
                "Ray and command, %",
                "handing out the shard, %",
                "both, %",
                f"under {WANTED:g} %",
            ),
            shares,
            [
                f"From the one node above: Ray and command use {100 * clusters[0].share:.2f} % of a core all the time, "
                f"and {1e3 * clusters[0].task:.1f} ms of CPU time for a task that does nothing, which is spread over "
                f"{A_SHARD} frames. Computed, not measured on such nodes. "
                + (f"Met from {min(enough)} cores on." if enough else "Met nowhere."),
                load,
            ],
        ),
        Table(
            "How does screening scale by CPU time?",
            ("way", "cores", "frames a second of CPU time on each core", "in times one process"),
            scaling_rows(plain, clusters, frames),
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
        clusters = [on_ray(path, number, frames, folder) for number in (1, 2)]
    publish("cluster", tables(plain, clusters, frames, size, start))


if __name__ == "__main__":
    main()
