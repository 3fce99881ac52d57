"""Apply a model to many items and write a table and plots; an unreadable item does not stop the others.

A task's workflow defines how an item is read, predicted and presented; the rest is the same for all tasks.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from fedbragg.errors import InputError
from fedbragg.ordered_map import ordered_map
from fedbragg.progress import Step
from fedbragg.workflows.folder import make_folder

Item = TypeVar("Item")
Answer = TypeVar("Answer")
PLOTS = "plots"
"""Folder of the plots, inside the output folder."""


@dataclass(frozen=True, slots=True, eq=False)
class Applied(Generic[Item, Answer]):
    """One item with its answer, or the reason why it has none."""

    name: str  # as the user named it
    item: Item | None = None
    answer: Answer | None = None
    reason: str = ""  # the problem and the remedy, in one line


def apply(
    names: Iterable[str],
    read: Callable[[str], Item],
    predict: Callable[[Item], Answer],
    workers: int = 0,
) -> Iterator[Applied[Item, Answer]]:
    """Yield every item's answer in order; the InputError of one item becomes its reason.

    As many items as there are ``workers`` are worked on at a time; with none it is one, in the caller's thread.
    """

    def applied(name: str) -> Applied[Item, Answer]:
        try:
            item = read(name)
            return Applied(name, item, predict(item))
        except InputError as error:
            return Applied(name, reason=str(error))

    return ordered_map(applied, names, workers, workers + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Presentation(Generic[Item, Answer]):
    """The form in which a task's answers are written."""

    table: str  # file name of the table
    columns: tuple[str, ...]  # of the table, after the column path
    values: Callable[[Answer], Sequence[float]]  # one number for each column
    plot: Callable[[Path, Item, Answer], None] | None = None  # writes a PNG; None: no plots

    def files(self, out: Path) -> list[Path]:
        """Return the files written into the folder ``out``."""
        return [out / self.table] + ([out / PLOTS] if self.plot is not None else [])


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    name: str
    values: tuple[float, ...] | None  # one for each column; None if the item has no answer
    reason: str = ""  # why it has none


def write_answers(
    out: Path,
    applied: Iterable[Applied[Item, Answer]],
    presentation: Presentation[Item, Answer],
    step: Step,
) -> list[Row]:
    """Write a table with one row an item, and a plot of each answer if wanted; return the rows.

    Items and answers are not kept. Raises InputError if the folder cannot be written.
    """
    make_folder(out / PLOTS if presentation.plot is not None else out)
    rows, plots = list[Row](), set[str]()
    for one in applied:
        if one.item is None or one.answer is None:
            rows.append(Row(one.name, None, one.reason))
        else:
            if presentation.plot is not None:
                presentation.plot(out / PLOTS / plot_name(one.name, plots), one.item, one.answer)
            rows.append(Row(one.name, tuple(presentation.values(one.answer))))
        step()
    write_table(out / presentation.table, presentation.columns, ((row.name, row.values) for row in rows))
    return rows


def plot_name(name: str, taken: set[str]) -> str:
    """Return the file name of an item's plot, different from all in ``taken``, and add it there."""
    path = Path(name)
    stem = "-".join([path.stem, *path.suffix.split(":")[1:]])  # run.h5:7 becomes run-7
    return f"{unique(stem or 'item', taken)}.png"


def unique(stem: str, taken: set[str]) -> str:
    """Return a name different from all in ``taken``, with a number if necessary, and add it there."""
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name)
    return name


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[float] | None]]
) -> None:
    """Write ``path`` and one number a column for every item, empty where there is no answer."""
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
