"""``fedbragg provision``: make the kits of a federation of real sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.real_sites import require_flare
from fedbragg.cli.show import say


def provision(
    settings: Annotated[Path, typer.Argument(metavar="FEDERATION.TOML", help="Settings of the federation.")],
    out: Annotated[Path, typer.Option(help="Folder for the kits.")] = Path("kits"),
) -> int:
    """Make a kit for the server, each site, the coordinator and each observer of a federation of real sites.

    A kit holds a key and a certificate, and a README with the one command to run. Existing kits stay as they are: run
    the command again to add a site. Keep OUT/authority to yourself; it signs the kits.
    """
    from fedbragg.config import load

    require_flare()
    federation = load(settings)
    from fedbragg.federation.engines.nvflare.kits import provision as make_kits
    from fedbragg.workflows.folder import make_folder

    make_folder(out)
    kits = make_kits(federation, out)
    for kit in kits:
        say(f"{out / kit.name}: for {kit.kind if kit.kind != 'site' else 'the site ' + kit.name}")
    if not kits:
        say(f"{out}: every kit exists already")
    return 0
