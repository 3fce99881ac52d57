"""``fedbragg status``: show the state of a federation of real sites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.page_options import HERE, HostOption, PortOption, TlsCertOption, TlsKeyOption, say_address
from fedbragg.cli.real_sites import admin_client, follow, status_display, status_table
from fedbragg.extras import require
from fedbragg.web.serving import Listening

if TYPE_CHECKING:
    from fedbragg.review.federation_page import Ask

WIDTH = 120
"""Columns of the table where the output is not a terminal."""


def status(
    kit: Annotated[Path, typer.Option(metavar="KIT", help="Kit of the coordinator or of an observer.")],
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the server.")] = 20.0,
    follows: Annotated[
        bool, typer.Option("--follow", help="Keep running until the federation has ended.")
    ] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="End the federation with the model it has (coordinator).")
    ] = False,
    page: Annotated[
        bool,
        typer.Option("--page", help="Show it in the browser, live, with losses and weights; until Ctrl-C."),
    ] = False,
    host: HostOption = HERE,
    port: PortOption = 0,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
) -> int:
    """Show the sites of a federation: last message, version, loss, bytes, and the last problem."""
    from rich.console import Console

    listening = Listening(host, port, tls_cert, tls_key)
    listening.check()
    if page:
        require("page", "the page")
    with admin_client(kit, wait) as client:
        if stop:
            client.stop()
        if page:
            _serve(client.status, listening)
            return 0
        if follows:
            with status_display() as show:
                follow(client, show)
        console = Console(width=None if Console().is_terminal else WIDTH)
        console.print(status_table(client.status()))
    return 0


def _serve(ask: Ask, listening: Listening) -> None:
    from fedbragg.review.federation_page import federation_application
    from fedbragg.web.serving import serve

    serve(lambda admission: federation_application(ask, admission), listening, say_address)
