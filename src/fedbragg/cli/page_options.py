"""The options of every command that serves a page, and the line with its address."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.show import say

HostOption = Annotated[
    str, typer.Option(help="Address to listen on; another than this machine's needs TLS files.")
]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")]
TlsCertOption = Annotated[Path | None, typer.Option(help="Certificate, PEM.")]
TlsKeyOption = Annotated[Path | None, typer.Option(help="Its private key, PEM.")]
HERE = "127.0.0.1"


def say_address(address: str) -> None:
    """Print the address of a page, and how to end it."""
    say(f"page       {address}\nstop       Ctrl-C")
