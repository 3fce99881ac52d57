"""The server's side in NVIDIA FLARE: a component that opens the service, and the process that holds it."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_component import FLComponent
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext
from nvflare.fuel.hci.conn import Connection

from fedbragg.federation.engines.nvflare import cells
from fedbragg.federation.engines.nvflare.admin_commands import FederationCommands
from fedbragg.federation.engines.remote.service import FederationService

COMPONENT = "fedbragg.federation.engines.nvflare.server_component.FederationServer"


class FederationServer(FLComponent):  # type: ignore[misc]
    """Open the service once FLARE's server listens."""

    def __init__(
        self, folder: str, start_model_command: Sequence[str], distillation_command: Sequence[str]
    ) -> None:
        """Store the federation in ``folder``; see FederationService."""
        super().__init__()
        self.service = FederationService(
            Path(folder), self._notify, start_model_command, distillation_command
        )
        self._cell: Any = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Start with the system."""
        if event_type == EventType.SYSTEM_START:
            self._cell = fl_ctx.get_prop(FLContextKey.SITE_OBJ).cell
            cells.answer_sites(self._cell, self.service.ask)
            self.service.resume()

    def _notify(self, site: str) -> None:
        cells.send_notice(self._cell, site)


def service_of(connection: Connection) -> FederationService:
    """Return the service of the server that a command came to."""
    components = connection.app_ctx.run_manager.handlers
    server: FederationServer = next(each for each in components if isinstance(each, FederationServer))
    return server.service


def end_process(number: int, frame: FrameType | None) -> None:
    """End at once on a signal: the federation's state is on disk, and FLARE's threads would delay the end."""
    os._exit(0)


def run(kit: Path, organisation: str) -> int:
    """Run FLARE's server from a kit until the process is ended."""
    from nvflare.fuel.f3.mpm import MainProcessMonitor
    from nvflare.private.fed.app.server import server_train
    from nvflare.private.fed.server.server_cmd_modules import ServerCommandModules

    signal.signal(signal.SIGINT, end_process)
    signal.signal(signal.SIGTERM, end_process)
    ServerCommandModules.register_cmd_module(FederationCommands(service_of))
    arguments = argparse.Namespace(
        workspace=str(kit),
        fed_server="fed_server.json",
        set=["secure_train=true", f"org={organisation}", "config_folder=config"],
    )
    return int(MainProcessMonitor.run(main_func=server_train.main, run_dir=str(kit), args=arguments) or 0)
