"""``fedbragg join``: take part in federations as a real site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.real_sites import require_flare
from fedbragg.cli.serve import KitArgument


def join(
    kit: KitArgument,
    data: Annotated[
        Path, typer.Option(metavar="MY-RUNS.TOML", help="This site's own file: runs, labels, and [limits].")
    ],
) -> int:
    """Take part as a site until ended: train on this site's data whenever the federation asks for it.

    The site connects to the server, never the other way round. Images, labels and paths stay here; what leaves is the
    change of the model, numbers of frames and labels, and the training loss. The final model of each federation goes
    to KIT/site/models.
    """
    require_flare()
    from fedbragg.federation.engines.nvflare.launch import join as run_client
    from fedbragg.workflows.site_worker import COMMAND

    return run_client(kit, data, COMMAND)
