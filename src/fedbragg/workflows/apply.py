"""Apply a model to many items one by one; an item that cannot be read has a reason instead of an answer."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from fedbragg.errors import InputError

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, eq=False)
class Applied(Generic[Item, Answer]):
    """One item with its answer, or the reason why it has none."""

    name: str  # as the user named it
    item: Item | None = None
    answer: Answer | None = None
    reason: str = ""  # what is wrong and what to do, in one line


def apply(
    names: Iterable[str], read: Callable[[str], Item], predict: Callable[[Item], Answer]
) -> Iterator[Applied[Item, Answer]]:
    """Yield every item's answer in order; the InputError of an item becomes its reason."""
    for name in names:
        try:
            item = read(name)
            yield Applied(name, item, predict(item))
        except InputError as error:
            yield Applied(name, reason=str(error))


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[float] | None]]
) -> None:
    """Write a row for every item: its path and its probabilities, empty where there is no answer."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["path", *columns])
            for name, values in rows:
                table.writerow(
                    [name, *([""] * len(columns) if values is None else [f"{v:.4f}" for v in values])]
                )
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}). Give another --out.") from None
