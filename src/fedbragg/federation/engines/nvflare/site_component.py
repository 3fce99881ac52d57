"""A site's side in NVIDIA FLARE: a component that starts the client, and the process that holds it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_component import FLComponent
from nvflare.apis.fl_context import FLContext

from fedbragg.federation.engines.nvflare import cells
from fedbragg.federation.engines.remote.client import SiteClient
from fedbragg.federation.engines.remote.worker_process import WORKER_COMMAND

COMPONENT = "fedbragg.federation.engines.nvflare.site_component.FederationSite"
FAREWELL = 3.0
"""Seconds that a client told to end may take for it."""


class FederationSite(FLComponent):  # type: ignore[misc]
    """Start the client once FLARE's client is registered, and end the process with it."""

    def __init__(
        self, site: str, site_config: str, folder: str, worker: Sequence[str] = WORKER_COMMAND
    ) -> None:
        """Stand for ``site``; see SiteClient."""
        super().__init__()
        self._client = SiteClient(site, Path(site_config), Path(folder), say, worker)

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Start with the system."""
        if event_type == EventType.SYSTEM_START:
            cell = fl_ctx.get_engine().get_cell()
            cells.hear_notices(cell, self._client.wake)
            signals_end(self._client)
            say("connected; waiting for a federation to start")
            threading.Thread(
                target=self._serve, args=(cells.CellLink(cell),), name="client", daemon=True
            ).start()

    def _serve(self, link: cells.CellLink) -> None:
        try:
            self._client.run(link)
        except Exception:
            traceback.print_exc()
            os._exit(1)  # whatever watches over the client starts it again
        os._exit(0)


def signals_end(client: SiteClient) -> None:
    """Have SIGTERM and SIGINT end the client in order, and in any case soon."""

    def ended(number: int, frame: FrameType | None) -> None:
        client.leave()
        threading.Timer(FAREWELL, os._exit, (0,)).start()

    signal.signal(signal.SIGTERM, ended)
    signal.signal(signal.SIGINT, ended)


def ended(number: int, frame: FrameType | None) -> None:
    """End at once."""
    os._exit(0)


def run(kit: Path, name: str, organisation: str) -> int:
    """Run FLARE's client from a kit until the process is ended."""
    from nvflare.fuel.f3.mpm import MainProcessMonitor
    from nvflare.private.fed.app.client import client_train

    # Until the server is reached there is nobody to say farewell to, and FLARE's threads would go on calling.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ended)
    told = argparse.Namespace(
        workspace=str(kit),
        fed_client="fed_client.json",
        local_rank=0,
        set=["secure_train=true", f"uid={name}", f"org={organisation}", "config_folder=config"],
    )
    return int(MainProcessMonitor.run(main_func=client_train.main, run_dir=str(kit), args=told) or 0)


def say(text: str) -> None:
    """Print a line with the time of day."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {text}\n")
    sys.stdout.flush()
