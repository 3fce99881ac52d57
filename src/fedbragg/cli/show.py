"""Progress bars and plain lines: what every command shows while it works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of SIGINT."""


class Bar:
    """A bar whose end may be learnt on the way."""

    def __init__(self, progress: Progress, text: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(text, total=total)

    def step(self, total: int | None = None) -> None:
        """Move on by one; ``total`` sets the end."""
        self._progress.update(self._task, advance=1, total=total)

    def tell(self, text: str) -> None:
        """Change the bar's text."""
        self._progress.update(self._task, description=text)


@contextmanager
def bars() -> Iterator[Progress]:
    """Open a place for bars on the error stream, so that results can be piped; nothing is drawn off a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<38}"), BarColumn(28), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress


def say(text: str = "") -> None:
    """Print a line of results."""
    typer.echo(text)


def interrupted() -> int:
    """Say that Ctrl-C ended a command, and return the exit code."""
    typer.echo("fedbragg: interrupted.", err=True)
    return INTERRUPTED
