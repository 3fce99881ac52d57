"""``fedbragg join``: take part in federations as a real site."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.page_options import (
    HERE,
    HostOption,
    PortOption,
    TlsCertOption,
    TlsKeyOption,
    say_address,
)
from fedbragg.cli.real_sites import require_flare
from fedbragg.cli.serve import KitArgument
from fedbragg.extras import require
from fedbragg.web.serving import Listening


def join(
    kit: KitArgument,
    data: Annotated[
        Path, typer.Option(metavar="MY-RUNS.TOML", help="This site's own file: runs, labels, and [limits].")
    ],
    wait: Annotated[
        float, typer.Option(min=1, max=1e7, help="Seconds to try to log in at the server.")
    ] = 600.0,
    page: Annotated[
        bool,
        typer.Option(
            "--page", help="Show in the browser what will leave and what has left, with a button to leave."
        ),
    ] = False,
    host: HostOption = HERE,
    port: PortOption = 0,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
) -> int:
    """Take part as a site until ended: train on this site's data whenever the federation asks for it.

    The site connects to the server, never the other way round. Images, labels and paths stay here; what leaves is the
    change of the model, numbers of frames and labels, and the training loss. The final model of each federation goes
    to KIT/site/models.
    """
    require_flare()
    listening = Listening(host, port, tls_cert, tls_key)
    listening.check()
    if page:
        require("page", "the page")
    from fedbragg.federation.engines.nvflare.launch import join as run_client
    from fedbragg.workflows.site_worker import COMMAND

    beside = _page(kit, data, listening) if page else nullcontext()
    return run_client(kit, data, COMMAND, beside, wait)


@contextmanager
def _page(kit: Path, data: Path, listening: Listening) -> Iterator[None]:
    """Serve the site's page during the block."""
    from fedbragg.federation.engines.nvflare.kit import open_kit
    from fedbragg.federation.engines.nvflare.launch import SITE_FOLDER
    from fedbragg.federation.engines.remote.site_config import load_site_config
    from fedbragg.review.site_page import site_application
    from fedbragg.review.site_state import ShownSite, SiteState
    from fedbragg.web.serving import served

    holder, folder = open_kit(kit, "site"), kit.resolve() / SITE_FOLDER  # FLARE changes the working directory
    state = SiteState(ShownSite(holder.name, holder.address, folder, load_site_config(data)))
    with served(
        lambda admission, over: site_application(state, _leave, admission, over), listening
    ) as address:
        say_address(address)
        yield


def _leave() -> None:
    """End this process in order, as a service manager would."""
    os.kill(os.getpid(), signal.SIGTERM)
