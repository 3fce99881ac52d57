"""The summary that a command prints after applying a model to many items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.cli.exit_codes import UNREADABLE
from fedbragg.cli.show import say, warn

if TYPE_CHECKING:
    from fedbragg.workflows.apply import Row

SHOWN = 20
"""Unreadable items listed on the screen; the table has all."""


def show_rows(
    unit: str, rows: Sequence[Row], counts: Sequence[tuple[str, int]], written: Sequence[Path]
) -> int:
    """Print the number of items, a count for each name, and the unreadable items; return the exit code.

    ``unit`` is what one item is called. Raises InputError if no item could be read.
    """
    unread = [row for row in rows if row.values is None]
    refuse_if_all_failed([row.reason for row in unread], len(rows))
    lines = [(f"{unit}s", len(rows)), *counts, *([("unreadable", len(unread))] if unread else [])]
    width = max(12, *(len(name) for name, _ in lines))
    for name, number in lines:
        say(f"{name:<{width}} {number}")
    for row in unread[:SHOWN]:
        warn(row.reason)
    if len(unread) > SHOWN:
        warn(f"and {len(unread) - SHOWN} more, whose rows are empty")
    say(f"{'written':<{width}} {', '.join(map(str, written))}")
    return UNREADABLE if unread else 0


def refuse_if_all_failed(reasons: Sequence[str], items: int) -> None:
    """Raise InputError with the first reason if every item has one."""
    from fedbragg.errors import InputError

    if len(reasons) == items:
        more = f" (and {items - 1} more)" if items > 1 else ""
        raise InputError(f"{reasons[0]}{more}")


def reaching(rows: Sequence[Row], columns: Sequence[str], threshold: float) -> list[tuple[str, int]]:
    """Return for each column the number of rows whose value reaches the threshold."""
    values = [row.values for row in rows if row.values is not None]
    return [
        (name, sum(row[position] >= threshold for row in values)) for position, name in enumerate(columns)
    ]
