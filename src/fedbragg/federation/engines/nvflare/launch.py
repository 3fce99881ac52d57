"""Start a kit's process: the server, or a site's client.

The commands of the programs that make a start model and that hold a site's data come from the caller.
"""

from __future__ import annotations

import fcntl
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from fedbragg.errors import ConfigError
from fedbragg.federation.engines.nvflare import authorization
from fedbragg.federation.engines.nvflare.kit import open_kit
from fedbragg.federation.engines.nvflare.timed_line import say
from fedbragg.federation.engines.remote.site_config import load_site_config
from fedbragg.federation.engines.remote.site_report import REPORT

NOTHING = nullcontext()
LOGIN = 600.0
"""Seconds that a site's login may take."""
SERVER_FOLDER, SITE_FOLDER, FLARE_FOLDER = "federation", "site", "flare"


def serve(kit: Path, start_model_command: Sequence[str], distillation_command: Sequence[str] = ()) -> int:
    """Run the server until it is ended; the commands are those of FederationService."""
    from fedbragg.federation.engines.nvflare import server_component

    holder, kit = open_kit(kit, "server"), kit.resolve()
    options = {
        "folder": str(kit / SERVER_FOLDER),
        "start_model_command": list(start_model_command),
        "distillation_command": list(distillation_command),
    }
    (kit / FLARE_FOLDER).mkdir(exist_ok=True)
    with _locked(kit, FLARE_FOLDER):
        _check_port(int(holder.address.rsplit(":", 1)[1]))
        _write_resources(kit, authorization.server_resources(kit, server_component.COMPONENT, options))
        return server_component.run(kit, holder.organisation)


def join(
    kit: Path,
    site_config: Path,
    worker_command: Sequence[str],
    beside: AbstractContextManager[object] = NOTHING,
    wait: float = LOGIN,
) -> int:
    """Run a site's client until it is ended; ``worker_command`` is that of SiteClient.

    Where the client is not logged in at the server after ``wait`` seconds, the process ends with a line and code 2.
    ``beside`` is entered before the client connects; it may read the client's files (site_report.py, audit_log.py).
    """
    from fedbragg.federation.engines.nvflare import site_component
    from fedbragg.federation.engines.nvflare.kit_credentials import kit_credentials

    holder, kit = open_kit(kit, "site"), kit.resolve()
    load_site_config(site_config)  # report a mistake in it, or in the kit, before anything starts
    kit_credentials(kit)
    options = {
        "site": holder.name,
        "site_config": str(site_config.resolve()),
        "folder": str(kit / SITE_FOLDER),
        "kit": str(kit),
        "worker_command": list(worker_command),
        "wait": wait,
    }
    (kit / SITE_FOLDER).mkdir(exist_ok=True, mode=0o700)
    with _locked(kit, SITE_FOLDER):
        (kit / SITE_FOLDER / REPORT).unlink(missing_ok=True)  # of an earlier process
        _write_resources(kit, authorization.site_resources(site_component.COMPONENT, options))
        with beside:
            say(f"site {holder.name}: connecting to {holder.address}")
            return site_component.run(kit, holder.name, holder.organisation)


@contextmanager
def _locked(kit: Path, folder: str) -> Iterator[None]:
    """Lock a kit while the process runs: two would write the same files and use the same name."""
    with (kit / folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"{kit}: this kit is running already. End the other process first.") from None
        except OSError:
            pass  # a file system without locks
        yield


def _check_port(port: int) -> None:
    """Raise ConfigError where the port cannot be listened on: FLARE would retry for ever without a message."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        try:
            probe.bind(("", port))
        except (OSError, OverflowError) as error:
            raise ConfigError(f"port {port} cannot be listened on ({error}). Is it in use already?") from None


def _write_resources(kit: Path, resources: dict[str, Any]) -> None:
    path = kit / "local" / "resources.json"
    path.write_text(json.dumps(resources, indent=1) + "\n", encoding="utf-8")
