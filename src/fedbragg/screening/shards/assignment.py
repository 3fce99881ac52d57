"""Which node screens which shard, and what happens to shards and nodes when one is lost."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence

from fedbragg.errors import ClusterError

LOSSES = 3
"""Times that a shard may be lost, with its worker or its node, and is started again."""
REST = 5.0
"""Seconds that a node gets no shard after it lost one, times the number that it lost in a row."""
PATIENCE = 60.0
"""Seconds to wait for a node where none is running."""


class Assignment:
    """Shards, by their numbers, that wait or are screened on a node; nodes are named by their keys.

    It reads no clock: ``now`` is in seconds from any start.
    """

    def __init__(self, shards: Iterable[int]) -> None:
        self.waiting = deque(shards)
        self.running: dict[str, int] = {}  # node: shard
        self.refusals: dict[str, str] = {}  # node: why it can screen no shard
        self.lost: Counter[int] = Counter()  # shard: how often
        self._lost_in_a_row: Counter[str] = Counter()  # node: shards
        self._rests_until: dict[str, float] = {}
        self._without_nodes_since: float | None = None

    @property
    def over(self) -> bool:
        """Return whether every shard is screened."""
        return not self.waiting and not self.running

    def take(self, nodes: Sequence[str], now: float) -> list[tuple[str, int]]:
        """Give shards to the idle ones of the nodes that run; raise ClusterError where no node can take one."""
        self._check_hope(nodes, now)
        given = []
        for node in nodes:
            if self.waiting and self._is_free(node, now):
                self.running[node] = self.waiting.popleft()
                given.append((node, self.running[node]))
        return given

    def finish(self, node: str) -> int:
        """Return the shard that a node has screened."""
        self._lost_in_a_row.pop(node, None)
        return self.running.pop(node)

    def lose(self, node: str, reason: str, now: float) -> int:
        """Return the shard that a node has lost, which is next; raise ClusterError where that was once too often."""
        shard = self.running.pop(node)
        self.waiting.appendleft(shard)
        self.lost[shard] += 1
        self._lost_in_a_row[node] += 1
        self._rests_until[node] = now + REST * self._lost_in_a_row[node]
        if self.lost[shard] > LOSSES:
            raise ClusterError(
                f"shard {shard} was lost {self.lost[shard]} times, so something in it may end the process. "
                f"Last: {reason}. Look at its frames and at the nodes' memory, then add --resume."
            )
        return shard

    def refuse(self, node: str, reason: str) -> int:
        """Return the shard that a node cannot screen, which is next; that node gets none any more."""
        shard = self.running.pop(node)
        self.waiting.appendleft(shard)
        self.refusals[node] = reason
        return shard

    def _is_free(self, node: str, now: float) -> bool:
        rests = self._rests_until.get(node, now) > now
        return node not in self.running and node not in self.refusals and not rests

    def _check_hope(self, nodes: Sequence[str], now: float) -> None:
        """Raise ClusterError where shards wait and nobody will take them."""
        if self.running or not self.waiting or set(nodes) - set(self.refusals):
            self._without_nodes_since = None
            return
        if nodes:
            raise ClusterError(self.refusals[nodes[-1]])
        if self._without_nodes_since is None:
            self._without_nodes_since = now
        if now - self._without_nodes_since > PATIENCE:
            raise ClusterError("no node of the cluster is running. Start one, then add --resume.")
