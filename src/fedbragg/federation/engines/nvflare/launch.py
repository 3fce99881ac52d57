"""Start a kit's process: the server, or a site's client."""

from __future__ import annotations

import fcntl
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fedbragg.errors import ConfigError
from fedbragg.federation.engines.nvflare import authorization
from fedbragg.federation.engines.nvflare.kit import open_kit
from fedbragg.federation.engines.remote.service import START_MODEL_COMMAND
from fedbragg.federation.engines.remote.site_config import load_site_config
from fedbragg.federation.engines.remote.worker_process import WORKER_COMMAND

STATE, OWN = "federation", "site"


def serve(kit: Path, make_start: Sequence[str] = START_MODEL_COMMAND) -> int:
    """Hold the server until it is ended; ``make_start`` is the command that makes a start model."""
    from fedbragg.federation.engines.nvflare import server_component

    known, kit = open_kit(kit, "server"), kit.resolve()
    options = {"folder": str(kit / STATE), "make_start": list(make_start)}
    (kit / "flare").mkdir(exist_ok=True)
    with _alone(kit, "flare"):
        _check_port(int(known.address.rsplit(":", 1)[1]))
        _write_resources(kit, authorization.server_resources(kit, server_component.COMPONENT, options))
        return server_component.run(kit, known.organisation)


def join(kit: Path, site_config: Path, worker: Sequence[str] = WORKER_COMMAND) -> int:
    """Be a site's client until it is ended; ``worker`` is the command of the process that trains."""
    from fedbragg.federation.engines.nvflare import site_component

    known, kit = open_kit(kit, "site"), kit.resolve()
    load_site_config(site_config)  # report a mistake in it before anything starts
    options = {
        "site": known.name,
        "site_config": str(site_config.resolve()),
        "folder": str(kit / OWN),
        "worker": list(worker),
    }
    (kit / OWN).mkdir(exist_ok=True, mode=0o700)
    with _alone(kit, OWN):
        _write_resources(kit, authorization.site_resources(site_component.COMPONENT, options))
        site_component.say(f"site {known.name}: calling {known.address}")
        return site_component.run(kit, known.name, known.organisation)


@contextmanager
def _alone(kit: Path, folder: str) -> Iterator[None]:
    """Hold a kit as long as the process lives: two would write the same files and answer to the same name."""
    with (kit / folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"{kit}: this kit is running already. End the other process first.") from None
        except OSError:
            pass  # a file system without locks
        yield


def _check_port(port: int) -> None:
    """Raise ConfigError where nobody can listen: FLARE would try for ever and say nothing."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one just left is free
        try:
            probe.bind(("", port))
        except (OSError, OverflowError) as error:
            raise ConfigError(f"port {port} cannot be listened on ({error}). Is it in use already?") from None


def _write_resources(kit: Path, resources: dict[str, Any]) -> None:
    path = kit / "local" / "resources.json"
    path.write_text(json.dumps(resources, indent=1) + "\n", encoding="utf-8")
