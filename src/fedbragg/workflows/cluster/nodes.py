"""The interface that screening needs of a cluster: its nodes, and one task at a time on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster that is running."""

    key: str  # the cluster's own name for it
    name: str  # shown to the user, such as node04
    cores: int  # that tasks may use


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that ended: with an answer, or without one."""

    node: str  # key
    answer: str = ""
    error: str = ""  # the reason for no answer, in one line
    lost: bool = False  # the worker or the node died; else the task could not run there


class Cluster(Protocol):
    """Runs tasks, each a text, on nodes; an answer is a text too."""

    def nodes(self) -> Sequence[Node]:
        """Return the nodes that are running now."""
        ...

    def start(self, node: Node, task: str) -> None:
        """Start a task that takes the whole node."""
        ...

    def ended(self, seconds: float) -> Sequence[Ended]:
        """Wait up to this time for a task to end; return those that have."""
        ...

    def cancel(self) -> None:
        """Ask every task to stop, and wait some seconds for it."""
        ...
