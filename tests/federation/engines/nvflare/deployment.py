"""A server and sites as real processes on loopback, each in a group of its own that is killed in the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fedbragg.config import Federation
from fedbragg.federation.engines.nvflare.account import Account
from fedbragg.federation.engines.nvflare.kits import provision

SIMPLE = (sys.executable, str(Path(__file__).with_name("simple_process.py")))
PATIENCE = 40.0
"""Seconds after which a test gives up waiting for anything."""


class Deployment:
    """Kits in a folder, and the processes that run from them."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], command: tuple[str, ...] = SIMPLE) -> None:
        self.folder, self.port, self._command = folder, free_port(), command
        server = {"address": f"localhost:{self.port}", **settings.get("server", {})}
        self.settings = Federation.model_validate({**settings, "server": server})
        provision(self.settings, folder / "kits")
        (folder / "own.toml").write_text('runs = ["private.h5"]\nlabels = "private.csv"\n')
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def kit(self, name: str) -> Path:
        return self.folder / "kits" / name

    def start(self, *names: str) -> None:
        for name in names:
            files = [] if name == "server" else [str(self.folder / "own.toml")]
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [*self._command, str(self.kit(name)), *files],
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                    cwd=self.folder,
                    env={**os.environ, "FEDBRAGG_TEST_FOLDER": str(self.folder)},
                )

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        process = self.processes[name]
        process.send_signal(number)
        process.wait(PATIENCE)

    def close(self) -> None:
        for process in self.processes.values():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait(PATIENCE)

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def account(self, name: str = "coordinator") -> Account:
        return Account(self.kit(name), PATIENCE)


def wait_for(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Return the condition's value once it is true."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {patience:g} s")


def ended(account: Account, patience: float = PATIENCE) -> dict[str, Any]:
    """Return the status of a federation once it is over."""

    def over() -> dict[str, Any] | None:
        told = account.status()
        assert told["state"] in ("preparing", "running", "finished"), told
        return told if told["state"] == "finished" else None

    return wait_for(over, "the end of the federation", patience)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
