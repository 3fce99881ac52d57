"""Ray as a cluster: a task for each shard and node, and texts of a few hundred bytes through Ray."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fedbragg.errors import ClusterError
from fedbragg.workflows.cluster.address import LOCAL, VARIABLE, folder_of_ray
from fedbragg.workflows.cluster.nodes import Ended, Node
from fedbragg.workflows.cores import number_of_threads

OBJECTS = 100_000_000
"""Bytes of shared memory for a cluster that is started here; no image passes through it."""
STDERR = 2
"""The file descriptor."""
GRACE = 10.0
"""Seconds that tasks have to write their checkpoints when asked to stop."""
LOOPBACK = "127.0.0.2"
"""Address of a cluster that is started here; Ray would replace 127.0.0.1 by the machine's address on the network."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # else Ray reports its use to its developers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else it warns that this will be the default
    "RAY_enable_worker_prestart": "0",  # one worker a node is enough
}
"""Set in the environment of this process, which Ray reads when it is imported."""


@contextmanager
def ray_cluster(address: str) -> Iterator[RayCluster]:
    """Connect to the Ray cluster at HOST:PORT for the block; ``local`` is one of this machine alone, started for it.

    Raises ClusterError where there is no cluster.
    """
    os.environ.pop(VARIABLE, None)  # Ray would let it replace any address
    os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),  # where Ray prints that a node is lost; standard output is for results
        _local() if address == LOCAL else _connected(address) as ray,
    ):
        try:
            yield RayCluster(ray)
        finally:
            ray.shutdown()


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Connect to a cluster that runs; give the module."""
    import ray

    try:
        with _silent_errors():
            ray.init(address=address, logging_level="CRITICAL", log_to_driver=False)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise ClusterError(
            f"--ray {address}: no connection ({_first_line(error)}). Check that the cluster runs (`ray status`), that "
            "this machine is one of its nodes (`ray start --address`), and that all have the same Python and Ray."
        ) from None
    yield ray


@contextmanager
def _local() -> Iterator[Any]:
    """Start a cluster of this machine alone, which ends with this process; give the module.

    Ray 2.60 listens on all of the machine's addresses, whatever its settings. So it answers only those with the secret,
    and only this process and those that it starts have it (token authentication, from Ray 2.52 on).
    """
    os.environ.update({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})
    import ray

    where = folder_of_ray()
    with TemporaryDirectory(prefix="fedbragg-ray-", dir=where, ignore_cleanup_errors=True) as folder:
        with _silent_errors():
            ray.init(
                address=LOCAL,
                num_cpus=number_of_threads(0),
                num_gpus=0,
                object_store_memory=OBJECTS,
                include_dashboard=False,
                logging_level="CRITICAL",
                log_to_driver=False,
                _node_ip_address=LOOPBACK,
                _temp_dir=folder,
            )
        yield ray


@contextmanager
def _silent_errors() -> Iterator[None]:
    """Send the error stream nowhere: Ray's C++ part writes into it until it has opened its log file."""
    sys.stderr.flush()
    kept = os.dup(STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)


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
        """Wait up to this time for a task to end; return those that have."""
        if not self._running:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(list(self._running), timeout=seconds)
        return [self._ended(answer) for answer in ready]

    def cancel(self) -> None:
        """Ask every task to stop after its current frames, and wait some seconds for it."""
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
    """Describe in a few words why a task is lost; Ray takes twenty lines for it."""
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
