"""A table of shards on the terminal, live."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fedbragg.cli.show import warn

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from fedbragg.workflows.cluster.screen_shards import Display, ShardState

ORDER = ("screening", "waiting", "done")
"""The order in which shards are shown; the last ones are left out where the terminal has too few lines."""
LINES_AROUND = 6
"""Lines of the terminal that are not rows of shards."""


@contextmanager
def shard_table() -> Iterator[Display]:
    """Give a table on the error stream; off a terminal only the lines that stay are printed."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not console.is_terminal:
        yield LinesOnly()
        return
    with Live(console=console, auto_refresh=False) as live:
        yield LiveTable(live)


class LinesOnly:
    """Prints the lines that stay."""

    def show(self, states: Sequence[ShardState]) -> None:
        """Show nothing."""

    def tell(self, line: str) -> None:
        """Print a line on the error stream."""
        warn(line)


class LiveTable:
    """Draws the table anew, and prints lines above it."""

    def __init__(self, live: Live) -> None:
        self._live, self._started = live, time.monotonic()
        self._done_before: int | None = None

    def show(self, states: Sequence[ShardState]) -> None:
        """Draw the table."""
        done = sum(state.done for state in states)
        if self._done_before is None:
            self._done_before = done
        rate = (done - self._done_before) / max(time.monotonic() - self._started, 1.0)
        rows = self._live.console.height - LINES_AROUND
        self._live.update(table_of(states, rows, rate), refresh=True)

    def tell(self, line: str) -> None:
        """Print a line above the table."""
        self._live.console.print(f"fedbragg: {line}", markup=False, highlight=False, soft_wrap=True)


def table_of(states: Sequence[ShardState], rows: int, rate: float) -> Group:
    """Return at most this many rows, those being screened first, and a line about all; ``rate`` is in frames/s."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    counts = Counter(state.state for state in states)
    done, frames = sum(state.done for state in states), sum(state.frames for state in states)
    said = ", ".join(f"{counts[state]} {state}" for state in ORDER if counts[state])
    table = Table()
    for name in ("shard", "state", "node"):
        table.add_column(name)
    for name in ("frames done", "of", "frames/s"):
        table.add_column(name, justify="right")
    for row in sorted(states, key=lambda state: ORDER.index(state.state))[: max(rows, 1)]:
        speed = f"{row.rate:.0f}" if row.rate else ""
        table.add_row(str(row.shard), row.state, row.node, str(row.done), str(row.frames), speed)
    return Group(table, Text(f"{said}; {done} of {frames} frames, {rate:.0f} frames/s"))
