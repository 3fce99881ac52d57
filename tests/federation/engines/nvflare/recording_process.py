"""Run a kit as the command line does, and record every frame that leaves the process, before TLS: KIT [SITE_CONFIG]."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from nvflare.fuel.f3.drivers.socket_conn import SocketConnection

from fedbragg.federation.engines.nvflare.launch import join, serve
from fedbragg.workflows import distillation, site_worker, start_model


def record_into(path: Path) -> None:
    """Have every frame that is sent also written to a file; FLARE sends all its traffic by this one method."""
    send = SocketConnection.send_frame

    def recorded(self: SocketConnection, frame: Any) -> None:
        with path.open("ab") as file:
            file.write(frame)
        send(self, frame)

    SocketConnection.send_frame = recorded


if __name__ == "__main__":
    kit = Path(sys.argv[1])
    record_into(kit.parent.parent / f"{kit.name}.record")
    if len(sys.argv) == 2:
        serve(kit, start_model.COMMAND, distillation.COMMAND)
    else:
        join(kit, Path(sys.argv[2]), site_worker.COMMAND)
