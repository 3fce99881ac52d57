"""``fedbragg serve``: run the server of a federation of real sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.real_sites import require_flare
from fedbragg.cli.show import say

KitArgument = Annotated[Path, typer.Argument(metavar="KIT", help="Folder that `fedbragg provision` made.")]


def serve(kit: KitArgument) -> int:
    """Run the server until it is ended; the sites and the coordinator connect to it.

    KIT/federation holds the federation's state: started again after a stop or a crash, the server resumes from its last
    barrier. FLARE's own messages go to KIT/log.txt.
    """
    require_flare()
    from fedbragg.federation.engines.nvflare.kit import open_kit
    from fedbragg.federation.engines.nvflare.launch import serve as run_server
    from fedbragg.workflows import distillation, start_model

    say(f"serving at {open_kit(kit, 'server').address}; end it with Ctrl-C")
    return run_server(kit, start_model.COMMAND, distillation.COMMAND)
