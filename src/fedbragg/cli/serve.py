"""``fedbragg serve``: hold the server of a federation of real sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.real_sites import need_flare
from fedbragg.cli.show import say

KitArgument = Annotated[Path, typer.Argument(metavar="KIT", help="Folder that `fedbragg provision` made.")]


def serve(kit: KitArgument) -> int:
    """Hold the server until it is ended; sites and the coordinator call it.

    KIT/federation holds the federation's state: started again after whatever happened, the server goes on from its
    last barrier by itself. FLARE's own messages go to KIT/log.txt.
    """
    need_flare()
    from fedbragg.federation.engines.nvflare.kit import open_kit
    from fedbragg.federation.engines.nvflare.launch import serve as hold

    say(f"serving at {open_kit(kit, 'server').address}; end it with Ctrl-C")
    return hold(kit)
