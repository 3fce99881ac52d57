"""A server and sites as real processes on loopback, each in a group of its own that is killed in the end."""

from __future__ import annotations

import contextlib
import ctypes
import json
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
from fedbragg.errors import FederationError
from fedbragg.federation.engines.remote.protocol import decode_message
from fedbragg.types import State

HERE = Path(__file__).parent
FEDBRAGG = Path(sys.executable).with_name("fedbragg")
SIMPLE = (sys.executable, str(HERE / "simple_process.py"))
PATIENCE = 40.0
"""Seconds after which a test gives up waiting for anything."""


class Deployment:
    """Kits in a folder, and the processes that run from them."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], command: tuple[str, ...] = SIMPLE) -> None:
        """Provision; ``command`` runs a kit, with a site's own file after it."""
        self.folder, self.port, self._command = folder, free_port(), command
        server = {"address": f"localhost:{self.port}", **settings.get("server", {})}
        self.settings = Federation.model_validate({**settings, "server": server})
        (folder / "federation.toml").write_text(as_toml({**settings, "server": server}))
        made = subprocess.run(
            [FEDBRAGG, "provision", "federation.toml"], cwd=folder, capture_output=True, text=True, timeout=60
        )
        assert made.returncode == 0, made.stderr
        (folder / "own.toml").write_text('runs = ["private.h5"]\nlabels = "private.csv"\n')
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._accounts: dict[str, Remote] = {}

    def kit(self, name: str) -> Path:
        return self.folder / "kits" / name

    def site_config(self, site: str) -> Path:
        """Return a site's own file, or the one for all."""
        own = self.folder / f"{site}.toml"
        return own if own.exists() else self.folder / "own.toml"

    def start(self, *names: str) -> None:
        for name in names:
            files = [] if name == "server" else [str(self.site_config(name))]
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [*self._command, str(self.kit(name)), *files],
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # so that all of it can be killed in the end
                    cwd=self.folder,
                    env={**os.environ, "FEDBRAGG_TEST_FOLDER": str(self.folder)},
                    preexec_fn=die_with_the_tests,
                )

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        process = self.processes[name]
        process.send_signal(number)
        process.wait(PATIENCE)

    def close(self) -> None:
        for account in self._accounts.values():
            account.close()
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def account(self, name: str = "coordinator") -> Remote:
        if name not in self._accounts:
            self._accounts[name] = Remote(self.kit(name), PATIENCE)
        return self._accounts[name]


class Remote:
    """An account in a process of its own."""

    def __init__(self, kit: Path, patience: float) -> None:
        command = [sys.executable, str(HERE / "account_process.py"), str(kit), str(patience)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def start(self, settings: Federation, *, anew: bool) -> str:
        told = settings.model_dump(mode="json", exclude={"sites": {"__all__": {"runs", "labels"}}})
        return str(self._do(start=told, anew=anew))

    def status(self, since: int = 0) -> dict[str, Any]:
        told: dict[str, Any] = self._do(status=since)
        return told

    def stop(self) -> None:
        self._do(stop=True)

    def model(self) -> State:
        return decode_message(bytes.fromhex(self._do(model=True))).tensors

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _do(self, **order: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        if "error" in told:
            raise FederationError(told["error"])
        return told["answer"]


def die_with_the_tests() -> None:
    """Have the kernel end a process with the one that tests, should that be killed before it can tidy up."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_for(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Return the condition's value once it is true."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {patience:g} s")


def ended(account: Remote, patience: float = PATIENCE) -> dict[str, Any]:
    """Return the status of a federation once it is over."""

    def over() -> dict[str, Any] | None:
        told = account.status()
        assert told["state"] in ("preparing", "running", "finished"), told
        return told if told["state"] == "finished" else None

    return wait_for(over, "the end of the federation", patience)


def as_toml(settings: Mapping[str, Any]) -> str:
    """Write settings as federation.toml."""
    sections = {name: part for name, part in settings.items() if isinstance(part, Mapping)}
    text = _keys({name: value for name, value in settings.items() if name not in {*sections, "sites"}})
    text += "".join(f"[{name}]\n{_keys(part)}" for name, part in sections.items())
    return text + "".join(f"[[sites]]\n{_keys(site)}" for site in settings["sites"])


def _keys(section: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in section.items())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
