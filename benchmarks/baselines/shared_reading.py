"""Simulate on a virtual clock how nodes screen one run from one file system, which may limit them.

A node is a number of cores, which share its shard without loss. The file system has one bandwidth, which the nodes that
read share evenly; latency, caches and the nodes' own network are left out, so real nodes read less.
"""

from __future__ import annotations

from dataclasses import dataclass

from fedbragg.screening.shards.assignment import Assignment
from fedbragg.screening.shards.shard import Shard


@dataclass(frozen=True)
class SharedRun:
    """A run, the nodes and their file system."""

    frames: int
    bytes_a_frame: float  # as stored
    seconds_a_frame: float  # CPU time of one core
    cores: int  # of a node
    start: float  # seconds before a shard's first frame, on one core
    bandwidth: float  # bytes/s of the file system, for all nodes together


def simulated_seconds(run: SharedRun, nodes: int, shards: int) -> float:
    """Return the seconds that this many nodes take for the run, with shards given out as on a real cluster."""
    assignment = Assignment(range(1, shards + 1))
    names = [f"node{number:02}" for number in range(nodes)]
    starting: dict[str, float] = {}  # seconds left
    reading: dict[str, float] = {}  # frames left
    now = 0.0
    while True:
        for name, _ in assignment.take(names, now):
            starting[name] = run.start
        if assignment.over:
            return now
        rate = min(run.cores / run.seconds_a_frame, run.bandwidth / run.bytes_a_frame / max(len(reading), 1))
        step = min([*starting.values(), *(frames / rate for frames in reading.values())])
        now += step
        reading = {name: frames - rate * step for name, frames in reading.items()}
        starting = {name: seconds - step for name, seconds in starting.items()}
        for name in [name for name, frames in reading.items() if frames < 1e-6]:
            del reading[name]
            assignment.finish(name)
        for name in [name for name, seconds in starting.items() if seconds < 1e-9]:
            del starting[name]
            reading[name] = float(len(Shard(assignment.running[name], shards).positions(run.frames)))
