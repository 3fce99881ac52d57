"""Further methods of a task whose sites may run different networks: ``[[sites]] network`` in a settings file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, runtime_checkable

from numpy.typing import NDArray

from fedbragg.errors import ConfigError
from fedbragg.progress import Progress
from fedbragg.tasks.base import D, Task
from fedbragg.types import State


@runtime_checkable
class NetworksTask(Task[D], Protocol[D]):
    """A task that knows several networks; the key ``network`` of its own section names one of them."""

    @property
    def network(self) -> str:
        """Return the name of the network that this task trains."""
        ...

    @property
    def networks(self) -> tuple[str, ...]:
        """Return the names of all networks."""
        ...

    @property
    def private_networks(self) -> tuple[str, ...]:
        """Return the names of those that can be trained with noise, [privacy] epsilon."""
        ...

    def with_network(self, network: str) -> Self:
        """Return the same task with another network."""
        ...

    def start_models(self, networks: Sequence[str], seed: int, progress: Progress) -> Mapping[str, State]:
        """Train the start model of each of these networks, on public data only."""
        ...

    def examples_to_teach(self, seed: int, progress: Progress) -> D:
        """Return public examples on which the networks learn from one another; their labels are not used."""
        ...

    def logits(self, state: State, data: D) -> NDArray[Any]:
        """Return the logits of each answer (examples, answers)."""
        ...

    def distil(self, state: State, data: D, targets: NDArray[Any], seed: int) -> State:
        """Return the state after training towards probabilities of each answer (examples, answers)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TaskStudent(Generic[D]):
    """One network with the public examples, as the federation's distillation needs it."""

    task: NetworksTask[D]
    data: D
    seed: int

    def logits(self, state: State) -> NDArray[Any]:
        """Return the logits of the public examples under a state."""
        return self.task.logits(state, self.data)

    def train(self, state: State, targets: NDArray[Any]) -> State:
        """Return the state after training towards probabilities."""
        return self.task.distil(state, self.data, targets, self.seed)


def with_networks(task: Task[Any]) -> NetworksTask[Any]:
    """Return a task if it knows several networks; raise ConfigError if it does not."""
    if not isinstance(task, NetworksTask):
        raise ConfigError(
            f"[[sites]]: network: the task {task.name} has one network; leave the key out. hits has several."
        )
    return task
