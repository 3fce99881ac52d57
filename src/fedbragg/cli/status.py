"""``fedbragg status``: show the state of a federation of real sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.real_sites import admin_client, follow, status_display, status_table

WIDTH = 120
"""Columns of the table where the output is not a terminal."""


def status(
    kit: Annotated[Path, typer.Option(metavar="KIT", help="Kit of the coordinator or of an observer.")],
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the server.")] = 20.0,
    follows: Annotated[bool, typer.Option("--follow", help="Go on until the federation has ended.")] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="End the federation with the model it has (coordinator).")
    ] = False,
) -> int:
    """Show the sites of a federation: last message, version, loss, bytes, and the last problem."""
    from rich.console import Console

    with admin_client(kit, wait) as client:
        if stop:
            client.stop()
        if follows:
            with status_display() as show:
                follow(client, show)
        console = Console(width=None if Console().is_terminal else WIDTH)
        console.print(status_table(client.status()))
    return 0
