"""A Ray cluster of two nodes on this machine, each with one core, in a process of its own.

It prints its address and the process ids of both raylets, and ends when its input does.
"""

from __future__ import annotations

import json
import sys

SOON = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 2,
}
"""A lost node is noticed after a second instead of fifteen."""


def main() -> None:
    from ray._private.ray_constants import PROCESS_TYPE_RAYLET
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    small = {"num_cpus": 1, "object_store_memory": 80_000_000}
    nodes = [
        cluster.add_node(include_dashboard=False, _system_config=SOON, **small),
        cluster.add_node(**small),
    ]
    raylets = [node.all_processes[PROCESS_TYPE_RAYLET][0].process.pid for node in nodes]
    print(json.dumps({"address": cluster.address, "raylets": raylets}), flush=True)
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main()
