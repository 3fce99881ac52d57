"""Print lines: results, warnings, interruptions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from fedbragg.errors import SettingsWarning

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 plus the number of SIGINT."""


def say(text: str = "") -> None:
    """Print a line of results."""
    typer.echo(text)


def warn(text: str) -> None:
    """Print a warning on the error stream."""
    typer.echo(f"fedbragg: {text}", err=True)


def interrupted() -> int:
    """Print that Ctrl-C ended the command, and return the exit code."""
    typer.echo("fedbragg: interrupted.", err=True)
    return INTERRUPTED


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Print each warning about old settings as one line, without the place in the source that Python would add."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", SettingsWarning)
        shown = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, SettingsWarning):
                warn(f"warning: {message}")
            else:
                shown(message, category, *where, **more)

        warnings.showwarning = show
        yield
