"""Versions of the global model: the newest, the last barrier's, and those that a site still trains on."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from numpy.typing import NDArray

from fedbragg.state_arithmetic import working_type
from fedbragg.types import State


class Versions:
    """Keep the models that are needed to interpret updates that have not arrived yet."""

    def __init__(self, model: State, number: int = 0) -> None:
        self.newest = model
        self.number = number  # rises with every update that counts and with every barrier
        self.barrier_model = model
        self.before: State | None = None  # the barrier's model before the last, to go back to
        self.changes = 0  # steps that changed the model; staleness is counted in these
        self._kept: dict[int, tuple[State, int]] = {number: (model, 0)}

    def advance(self, model: State, in_use: AbstractSet[int]) -> None:
        """Make ``model`` the newest and drop the versions that no site trains on."""
        if model is not self.newest:
            self.changes += 1
        self.newest = model
        self.number += 1
        self._kept = {number: kept for number, kept in self._kept.items() if number in in_use}
        self._kept[self.number] = (model, self.changes)

    def pass_barrier(self, model: State) -> None:
        """Replace all versions by ``model``; updates from older ones no longer count."""
        self.advance(model, in_use=frozenset())
        self.before, self.barrier_model = self.barrier_model, model

    def go_back(self) -> bool:
        """Replace all versions by the model of the barrier before the last; return whether there is one."""
        if self.before is None:
            return False
        self.advance(self.before, in_use=frozenset())
        self.barrier_model, self.before = self.before, None
        return True

    def model(self, number: int) -> State:
        """Return a version that some site trains on."""
        return self._kept[number][0]

    def age(self, number: int) -> int:
        """Return how many times the model has changed since a version."""
        return self.changes - self.changes_at(number)

    def changes_at(self, number: int) -> int:
        """Return how many times the model had changed up to a version."""
        return self._kept[number][1]

    def rebased(self, number: int, tensors: State, reference: State) -> State:
        """Express an update made from version ``number`` as a difference to another model."""
        return rebased(tensors, self._kept[number][0], reference)


def rebased(tensors: State, start: State, reference: State) -> State:
    """Express a difference to the model ``start`` as one to ``reference``."""
    if start is reference:
        return tensors
    return {name: _rebased(tensor, start[name], reference[name]) for name, tensor in tensors.items()}


def _rebased(tensor: NDArray[Any], start: NDArray[Any], reference: NDArray[Any]) -> NDArray[Any]:
    working = working_type(start.dtype)
    rebased: NDArray[Any] = start.astype(working) - reference.astype(working)
    rebased += tensor
    return rebased
