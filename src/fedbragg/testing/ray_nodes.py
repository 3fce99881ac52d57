"""A Ray cluster on this machine, of nodes with one core each, in a process of its own.

    python -m fedbragg.testing.ray_nodes 2

It prints its address and the process ids of the nodes' raylets, as JSON, and ends when its input does.
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


def main(nodes: int) -> None:
    """Start this many nodes, and stop them at the end of the input."""
    from ray._private.ray_constants import PROCESS_TYPE_RAYLET
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    small = {"num_cpus": 1, "object_store_memory": 80_000_000}
    started = [cluster.add_node(include_dashboard=False, _system_config=SOON, **small)]
    started += [cluster.add_node(**small) for _ in range(nodes - 1)]
    raylets = [node.all_processes[PROCESS_TYPE_RAYLET][0].process.pid for node in started]
    print(json.dumps({"address": cluster.address, "raylets": raylets}), flush=True)
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
