"""Run a kit with hit finding, and write down every frame that leaves the process, before TLS: KIT [OWN_FILE]."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from nvflare.fuel.f3.drivers.socket_conn import SocketConnection

from fedbragg.federation.engines.nvflare.launch import join, serve


def record_into(path: Path) -> None:
    """Have every frame that is sent also written to a file; FLARE hands all its traffic to this one method."""
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
        serve(kit)
    else:
        join(kit, Path(sys.argv[2]))
