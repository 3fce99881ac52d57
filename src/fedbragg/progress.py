"""The progress of long work, which a command turns into bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Step(Protocol):
    """Moves one stage of work on."""

    def __call__(self, text: str | None = None) -> None:
        """Count one unit as done; ``text`` replaces the stage's title."""
        ...


class Progress(Protocol):
    """Receives the stages of a piece of work."""

    def stage(self, title: str, total: int | None = None) -> Step:
        """Begin a stage of ``total`` units (None: unknown), and return the callback that counts them."""
        ...


class Silent:
    """Shows nothing."""

    def stage(self, title: str, total: int | None = None) -> Step:
        """Return a step that does nothing."""
        return _ignore


def _ignore(text: str | None = None) -> None:
    pass


SILENT = Silent()


class Bars:
    """Shows every stage as a bar."""

    def __init__(self, shown: RichProgress) -> None:
        self._shown = shown

    def stage(self, title: str, total: int | None = None) -> Step:
        """Draw a bar, and return the callback that moves it."""
        return partial(_advance, self._shown, self._shown.add_task(title, total=total))


def _advance(shown: RichProgress, bar: TaskID, text: str | None = None) -> None:
    shown.update(bar, advance=1, description=text)


@contextmanager
def bars() -> Iterator[Bars]:
    """Give bars on the error stream, so that results can be piped; nothing is drawn off a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<38}"), BarColumn(28), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        yield Bars(shown)
