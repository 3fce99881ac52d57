"""Ray as a cluster: a task for each shard and node, and texts of a few hundred bytes through Ray."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fedbragg.errors import ClusterError, ConfigError
from fedbragg.workflows.cluster.nodes import Ended, Node
from fedbragg.workflows.cores import number_of_threads

AUTO, LOCAL = "auto", "local"
ADDRESS = re.compile(r"[\w.-]+:\d{1,5}|\[[\da-fA-F:]+\]:\d{1,5}")
VARIABLE = "RAY_ADDRESS"
"""Of the environment; Ray would let it replace any address that is given."""
LOOPBACK = "127.0.0.1"
OBJECTS = 100_000_000
"""Bytes of shared memory for a cluster that is started here; no image passes through it."""
GRACE = 10.0
"""Seconds in which tasks that are asked to stop must have written their checkpoints."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # else Ray reports its use to its makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else it warns that this will be the default
    "RAY_enable_worker_prestart": "0",  # one worker a node is enough
}


def check_address(address: str) -> None:
    """Raise ConfigError where an address is neither ``auto`` nor ``local`` nor HOST:PORT."""
    if address not in (AUTO, LOCAL) and not ADDRESS.fullmatch(address):
        raise ConfigError(
            f"--ray {address}: give auto, local, or HOST:PORT of the cluster's head, as `ray start --head` prints it. "
            "This machine must be one of its nodes."
        )


@contextmanager
def ray_cluster(address: str) -> Iterator[RayCluster]:
    """Connect to a Ray cluster for the block.

    ``auto`` is the one that RAY_ADDRESS names or that runs on this machine, else ``local``: one of this machine alone,
    which is started for the block. Raises ClusterError where there is none at the address.
    """
    named = os.environ.pop(VARIABLE, "")
    os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
    import ray

    _connect(ray, named if address == AUTO and named else address)
    try:
        yield RayCluster(ray)
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    """Connect this process to a cluster."""
    if address != LOCAL:
        try:
            ray.init(address=address, logging_level="CRITICAL", log_to_driver=False)
            return
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            if address != AUTO or not isinstance(error, ConnectionError):
                raise ClusterError(_no_connection(address, error)) from None
    _start(ray)


def _start(ray: Any) -> None:
    """Start a cluster of this machine alone, which no other machine can reach; it ends with this process."""
    ray.init(
        address=LOCAL,
        num_cpus=number_of_threads(0),
        num_gpus=0,
        object_store_memory=OBJECTS,
        include_dashboard=False,
        _node_ip_address=LOOPBACK,
        logging_level="CRITICAL",
        log_to_driver=False,
    )


def _no_connection(address: str, error: Exception) -> str:
    return (
        f"--ray {address}: no connection ({_first_line(error)}). Check that the cluster runs (`ray status`), that this "
        "machine is one of its nodes (`ray start --address`), and that all have the same Python and Ray."
    )


class RayCluster:
    """The nodes of the cluster that this process is connected to."""

    def __init__(self, ray: Any) -> None:
        from fedbragg.workflows.cluster.shard_task import run_shard

        self._ray = ray
        self._task = ray.remote(run_shard)
        self._running: dict[Any, str] = {}  # a reference to the answer: node's key

    def nodes(self) -> Sequence[Node]:
        """Return the nodes that are running and offer cores."""
        rows = [row for row in self._ray.nodes() if row["Alive"] and row["Resources"].get("CPU", 0) >= 1]
        hosts = Counter(row["NodeManagerHostname"] for row in rows)
        return [_node(row, alone=hosts[row["NodeManagerHostname"]] == 1) for row in rows]

    def start(self, node: Node, task: str) -> None:
        """Start a task that takes the whole node."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = NodeAffinitySchedulingStrategy(node.key, soft=False)
        options = self._task.options(num_cpus=node.cores, max_retries=0, scheduling_strategy=there)
        self._running[options.remote(task)] = node.key

    def ended(self, seconds: float) -> Sequence[Ended]:
        """Wait at most so long for a task to end; return those that have."""
        if not self._running:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(list(self._running), timeout=seconds)
        return [self._ended(answer) for answer in ready]

    def cancel(self) -> None:
        """Ask every task to stop after the frames at hand, and wait some seconds for it."""
        for answer in self._running:
            self._ray.cancel(answer, force=False)
        if self._running:
            self._ray.wait(list(self._running), num_returns=len(self._running), timeout=GRACE)
            self._running.clear()

    def _ended(self, answer: Any) -> Ended:
        node, errors = self._running.pop(answer), self._ray.exceptions
        try:
            return Ended(node, answer=self._ray.get(answer))
        except errors.TaskCancelledError:
            return Ended(node, error="it was cancelled", lost=True)
        except errors.RayTaskError as error:  # such as a node on which fedbragg is not installed
            return Ended(node, error=_first_line(error.cause or error))
        except errors.RayError as error:
            return Ended(node, error=_reason(error), lost=True)


def _node(row: dict[str, Any], *, alone: bool) -> Node:
    host, port = row["NodeManagerHostname"], row["NodeManagerPort"]
    return Node(row["NodeID"], host if alone else f"{host}:{port}", int(row["Resources"]["CPU"]))


def _reason(error: Exception) -> str:
    """Say in a few words why a task is lost; Ray takes twenty lines for it."""
    names = {
        "WorkerCrashedError": "its process died",
        "LocalRayletDiedError": "its process died with Ray's",
        "NodeDiedError": "the node died",
        "OutOfMemoryError": "Ray ended it because the node's memory was full",
        "TaskUnschedulableError": "the node left the cluster",
    }
    return names.get(type(error).__name__, _first_line(error))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
