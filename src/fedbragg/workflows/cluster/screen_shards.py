"""Screen shards on the nodes of a cluster, one at a time on each, until all are complete or a signal comes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fedbragg.errors import ClusterError, InputError
from fedbragg.screening.shards.assignment import Assignment
from fedbragg.screening.shards.attempts import next_try
from fedbragg.workflows.cluster.begin import is_complete
from fedbragg.workflows.cluster.nodes import Cluster, Ended, Node
from fedbragg.workflows.cluster.shard_task import ShardAnswer, ShardTask

if TYPE_CHECKING:
    from fedbragg.screening.shards.shard import Shard
    from fedbragg.screening.stop_signal import StopSignal

TICK = 0.5
"""Seconds between two looks at nodes and checkpoints."""
UNSEEN = 30.0
"""Seconds after which a shard that its node calls complete must be seen here; NFS may keep old attributes so long."""


@dataclass(frozen=True, slots=True)
class ShardState:
    """The progress of one shard."""

    shard: Shard
    state: str  # waiting, screening or done
    node: str  # its name; empty where none has it
    done: int  # frames on disk
    frames: int
    rate: float  # frames/s while it was screened; 0 before


class Display(Protocol):
    """The progress of all shards, as the user sees it."""

    def show(self, states: Sequence[ShardState]) -> None:
        """Show how far the shards are."""
        ...

    def tell(self, line: str) -> None:
        """Print a line that stays."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ClusterScreening:
    """Shards that are to be screened."""

    folders: Mapping[Shard, Path]
    frames: int  # in the run
    threads: int  # a shard; 0 is one for each core of its node


def screen_shards(
    screening: ClusterScreening, cluster: Cluster, display: Display, stop: StopSignal
) -> Screener:
    """Screen the shards that are not complete; return where they are, also after a signal.

    Raises ClusterError where it cannot continue; the frames done by then are on disk.
    """
    screener = Screener(screening, cluster, display)
    try:
        while not screener.over and not stop.number:
            screener.advance(stop)
    finally:
        if not screener.over:
            cluster.cancel()
    return screener


class Screener:
    """Gives shards to nodes and takes them back; use `screen_shards`."""

    def __init__(self, screening: ClusterScreening, cluster: Cluster, display: Display) -> None:
        self._threads, self._frames = screening.threads, screening.frames
        self._cluster, self._display = cluster, display
        self._shards = {shard.number: shard for shard in screening.folders}
        self._folders = {shard.number: folder for shard, folder in screening.folders.items()}
        self._names: dict[str, str] = {}  # of nodes, by their keys
        self._last_node: dict[int, str] = {}  # name, by the shard's number
        self._assignment = Assignment(number for number in self._shards if not self._is_complete(number))
        self._states: dict[int, ShardState] = {}
        self._states.update({number: self._state(number) for number in self._shards})

    @property
    def over(self) -> bool:
        """Return whether every shard is complete."""
        return self._assignment.over

    @property
    def folders(self) -> list[Path]:
        """Return the shards' folders, in order."""
        return list(self._folders.values())

    @property
    def losses(self) -> int:
        """Return how often a shard was lost with its worker or node."""
        return self._assignment.lost.total()

    def advance(self, stop: StopSignal) -> None:
        """Give shards to idle nodes, wait a moment for one to end, and show the progress of all.

        Ctrl-C on a terminal reaches the nodes that run on this machine too: then none of them is lost.
        """
        nodes = {node.key: node for node in self._cluster.nodes()}
        self._names.update({key: node.name for key, node in nodes.items()})
        for key, number in self._assignment.take(list(nodes), time.monotonic()):
            self._start(nodes[key], number)
        running = list(self._assignment.running.values())
        ended = self._cluster.ended(TICK)
        if stop.number:
            return
        for task in ended:
            self._settle(task)
        self._states.update({number: self._state(number) for number in running})
        self._display.show(list(self._states.values()))

    def frames_done(self) -> int:
        """Return how many frames are on disk, in all shards."""
        return sum(self._state(number).done for number in self._shards)

    def _start(self, node: Node, number: int) -> None:
        self._last_node[number] = node.name
        task = ShardTask(str(self._folders[number]), self._threads or node.cores)
        self._cluster.start(node, task.to_json())

    def _settle(self, ended: Ended) -> None:
        """Take a shard back from its node: complete, lost, or refused."""
        name = self._names[ended.node]
        answer = ShardAnswer.from_json(ended.answer) if ended.answer else ShardAnswer(problem=ended.error)
        if ended.lost or answer.stopped:
            self._lose(ended.node, ended.error or f"its process got signal {answer.stopped}")
        elif answer.problem:
            number = self._assignment.refuse(ended.node, f"on {name}: {answer.problem}")
            self._display.tell(f"{name} gets no more shards; on shard {number} it says: {answer.problem}")
        else:
            self._check_seen(self._assignment.finish(ended.node), name)

    def _lose(self, node: str, reason: str) -> None:
        number = self._assignment.lose(node, f"{reason} (on {self._names[node]})", time.monotonic())
        self._folders[number] = next_try(self._folders[number])
        self._display.tell(
            f"shard {self._shards[number]} was lost on {self._names[node]}: {reason}. It will continue."
        )

    def _check_seen(self, number: int, node: str) -> None:
        """Wait until a shard that its node calls complete is seen here; raise ClusterError where it never is."""
        limit = time.monotonic() + UNSEEN
        while not self._is_complete(number):
            if time.monotonic() > limit:
                raise ClusterError(
                    f"{self._folders[number].parent}: the files of {node} are not visible here. --out must lie on a "
                    "file system that all nodes share."
                )
            time.sleep(TICK)

    def _is_complete(self, number: int) -> bool:
        try:
            return is_complete(self._folders[number], self._shards[number], self._frames)
        except InputError:  # NFS may fail to read a file that is just being replaced
            return False

    def _state(self, number: int) -> ShardState:
        from fedbragg.screening import checkpoint

        shard, found = self._shards[number], None
        with suppress(InputError):
            found = checkpoint.load(self._folders[number])
        if found is None and number in self._states:
            return self._states[number]
        done, seconds = (found.done, found.seconds) if found else (0, 0.0)
        frames = len(shard.positions(self._frames))
        runs = number in self._assignment.running.values()
        state = "screening" if runs else "done" if done == frames else "waiting"
        rate = done / seconds if seconds else 0.0
        return ShardState(shard, state, self._last_node.get(number, ""), done, frames, rate)
