"""``fedbragg status``: look at a federation of real sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.real_sites import account, follow, shown, standing

WIDTH = 120
"""Columns of the table where there is no terminal to ask."""


def status(
    kit: Annotated[Path, typer.Option(metavar="KIT", help="Kit of the coordinator or of an observer.")],
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the server.")] = 20.0,
    follows: Annotated[bool, typer.Option("--follow", help="Go on until the federation is over.")] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="End the federation with the model it has (coordinator).")
    ] = False,
) -> int:
    """Show the sites of a federation: last contact, version, loss, bytes, and what went wrong last."""
    from rich.console import Console

    with account(kit, wait) as opened:
        if stop:
            opened.stop()
        if follows:
            with shown() as show:
                follow(opened, show)
        console = Console(width=None if Console().is_terminal else WIDTH)
        console.print(standing(opened.status()))
    return 0
