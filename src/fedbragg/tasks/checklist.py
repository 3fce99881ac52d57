"""The interface between a task and a page on which its examples are labelled by ticking answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from fedbragg.types import Frame


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A pattern as a page draws it."""

    x: NDArray[Any]  # (points,), rising
    y: NDArray[Any]  # (points,)
    x_name: str  # with its unit
    lines: Mapping[str, NDArray[Any]]  # for each answer, where on x its lines are expected


class Checklist(Protocol):
    """A task's examples on a page that asks which of several answers apply."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the answers, as the columns of the task's table name them."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns before the answers: ("path",) or ("path", "frame")."""
        ...

    @property
    def files(self) -> Sequence[tuple[str, int]]:
        """Return every file with its number of examples, in order."""
        ...

    def show(self, position: int) -> Frame | Curve:
        """Return an example as it is drawn; raise InputError where it cannot be read."""
        ...

    def probabilities(self, position: int) -> Sequence[float]:
        """Return the model's probability of each answer; raise InputError where the example cannot be read."""
        ...


@runtime_checkable
class ChecklistModule(Protocol):
    """A further function in the package of a task whose examples can be labelled by ticking answers."""

    def open_checklist(self, paths: Sequence[str], model: Path, table: Path) -> Checklist:
        """Open files of examples, with the answers that a model knows; raise FedbraggError where that fails.

        The table of answers may lie among them; it is not an example.
        """
        ...
