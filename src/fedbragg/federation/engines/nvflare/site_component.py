"""A site's side in NVIDIA FLARE: a component that starts the client, and the process that holds it."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_component import FLComponent
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext

from fedbragg.errors import ReplacedError
from fedbragg.federation.engines.nvflare import cells
from fedbragg.federation.engines.nvflare.kit import open_kit
from fedbragg.federation.engines.nvflare.kit_credentials import kit_credentials
from fedbragg.federation.engines.nvflare.login import Login, end_in_one_line
from fedbragg.federation.engines.nvflare.timed_line import say
from fedbragg.federation.engines.remote.client import SiteClient

COMPONENT = "fedbragg.federation.engines.nvflare.site_component.FederationSite"
LEAVE_TIMEOUT = 4.0
"""Seconds after a signal until the process ends in any case."""
LINGER = 0.5
"""Seconds from the client's end to that of the process, in which a page at the site shows how it ended."""


class FederationSite(FLComponent):  # type: ignore[misc]
    """Start the client once FLARE's client is registered, and end the process with it."""

    def __init__(
        self, site: str, site_config: str, kit: str, folder: str, worker_command: Sequence[str], wait: float
    ) -> None:
        """Represent ``site``, which signs with its ``kit``; see SiteClient. The login may take ``wait`` seconds."""
        super().__init__()
        holder = open_kit(Path(kit), "site")
        self._address = holder.address
        self._login = Login(holder, Path(kit), wait)
        credentials = kit_credentials(Path(kit))
        self._client = SiteClient(site, Path(site_config), Path(folder), say, worker_command, credentials)

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Log in where FLARE is about to, and start with the system."""
        if event_type == EventType.BEFORE_CLIENT_REGISTER:
            self._login.log_in(fl_ctx.get_prop(FLContextKey.SITE_OBJ), fl_ctx)
        if event_type == EventType.SYSTEM_START:
            self._login.done()
            cell = fl_ctx.get_engine().get_cell()
            cells.on_notice(cell, self._client.wake)
            leave_on_signals(self._client)
            say("connected; waiting for a federation to start")
            threading.Thread(
                target=self._run, args=(cells.CellLink(cell),), name="client", daemon=True
            ).start()

    def _run(self, link: cells.CellLink) -> None:
        try:
            self._client.run(link)
        except ReplacedError as error:
            time.sleep(LINGER)
            end_in_one_line(f"server {self._address}: {error}.")
        except Exception:
            traceback.print_exc()
            os._exit(1)  # systemd, or another service manager, starts it again
        time.sleep(LINGER)
        os._exit(0)


def leave_on_signals(client: SiteClient) -> None:
    """Have SIGTERM and SIGINT end the client in order, and the process soon in any case."""

    def leave(number: int, frame: FrameType | None) -> None:
        client.leave()
        threading.Timer(LEAVE_TIMEOUT, end_process, (number, frame)).start()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)


def end_process(number: int, frame: FrameType | None) -> None:
    """End at once on a signal."""
    say("ended without a word to the server, which does not answer")
    os._exit(0)


def run(kit: Path, name: str, organisation: str) -> int:
    """Run FLARE's client from a kit until the process is ended."""
    from nvflare.fuel.f3.mpm import MainProcessMonitor
    from nvflare.private.fed.app.client import client_train

    # Before the server is reached there is no client to end in order, and FLARE's threads keep trying.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end_process)
    arguments = argparse.Namespace(
        workspace=str(kit),
        fed_client="fed_client.json",
        local_rank=0,
        set=["secure_train=true", f"uid={name}", f"org={organisation}", "config_folder=config"],
    )

    def main(args: argparse.Namespace) -> None:
        try:
            client_train.main(args)
        except Exception as error:
            end_in_one_line(f"FLARE's client ended ({error}). {kit / 'log.txt'} says more.")

    return int(MainProcessMonitor.run(main_func=main, run_dir=str(kit), args=arguments) or 0)
