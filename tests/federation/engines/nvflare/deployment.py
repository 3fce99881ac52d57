"""A server and sites as real processes on loopback, each in a group of its own that is killed at the end."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from waiting import TIMEOUT, wait_for

from fedbragg.cli.real_sites import bytes_by_barrier, event_line
from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation.engines.remote.protocol import split_message
from fedbragg.federation.engines.remote.server_folder import without_paths
from fedbragg.federation.engines.remote.site_config import load_site_config
from fedbragg.federation.tensors import decode_tensors
from fedbragg.review.site_state import ShownSite, SiteState
from fedbragg.types import State

HERE = Path(__file__).parent
FEDBRAGG = Path(sys.executable).with_name("fedbragg")
SOFTMAX = (sys.executable, str(HERE / "softmax_process.py"))


class Deployment:
    """Kits in a folder, and the processes that run from them."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        command: tuple[str, ...] = SOFTMAX,
        others: tuple[str, ...] = (),
    ) -> None:
        """Provision all sites and ``others``; ``command`` runs a kit, with a site's own file after it."""
        self.folder, self.port, self._command = folder, free_port(), command
        server = {"address": f"localhost:{self.port}", **settings.get("server", {})}
        self.settings = Federation.model_validate({**settings, "server": server})
        provisioned = [*settings["sites"], *({"name": name} for name in others)]
        (folder / "federation.toml").write_text(as_toml({**settings, "server": server, "sites": provisioned}))
        made = subprocess.run(
            [FEDBRAGG, "provision", "federation.toml"], cwd=folder, capture_output=True, text=True, timeout=60
        )
        assert made.returncode == 0, made.stderr
        (folder / "own.toml").write_text('runs = ["private.h5"]\nlabels = "private.csv"\n')
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._accounts: dict[str, Account] = {}

    def kit(self, name: str) -> Path:
        return self.folder / "kits" / name

    def site_config(self, site: str) -> Path:
        """Return a site's own file, or the one for all."""
        own = self.folder / f"{site}.toml"
        return own if own.exists() else self.folder / "own.toml"

    def start(self, *names: str, **variables: str) -> None:
        """Start kits' processes, with environment variables."""
        for name in names:
            files = [] if name == "server" else [str(self.site_config(name))]
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [*self._command, str(self.kit(name)), *files],
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # so that all of it can be killed at the end
                    cwd=self.folder,
                    env={**os.environ, "FEDBRAGG_TEST_FOLDER": str(self.folder), **variables},
                    preexec_fn=die_with_the_tests,
                )

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        process = self.processes[name]
        process.send_signal(number)
        process.wait(TIMEOUT)

    def close(self) -> None:
        """End all processes; ``start`` may start them again."""
        for account in self._accounts.values():
            account.close()
        self._accounts.clear()
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(TIMEOUT)

    def output(self, name: str) -> str:
        """Return what a process has printed so far."""
        return (self.folder / f"{name}.log").read_text()

    def account(self, name: str = "coordinator") -> Account:
        if name not in self._accounts:
            self._accounts[name] = Account(self.kit(name), TIMEOUT)
        return self._accounts[name]


class Account:
    """An account's client in a process of its own."""

    def __init__(self, kit: Path, timeout: float) -> None:
        command = [sys.executable, str(HERE / "admin_process.py"), str(kit), str(timeout)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def start(self, settings: Federation, *, restart: bool) -> str:
        return str(self._do(start=without_paths(settings), restart=restart))

    def status(self, since: int = 0) -> dict[str, Any]:
        status: dict[str, Any] = self._do(status=since)
        return status

    def problem(self, site: str) -> str:
        """Return a site's last problem."""
        return next(str(row["problem"]) for row in self.status()["sites"] if row["site"] == site)

    def stop(self) -> None:
        self._do(stop=True)

    def model(self) -> State:
        return decode_tensors(bytes.fromhex(self._do(model=True)))

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _do(self, **order: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        reply = json.loads(self._process.stdout.readline())
        if "error" in reply:
            raise FederationError(reply["error"])
        return reply["answer"]


def check_announced(deployment: Deployment, site: str, count: int) -> None:
    """Check that at least ``count`` messages with tensors have left a site, each of the bytes that its page announces.

    The tensors' document is announced to the byte; the text beside it depends on the label counts, a few hundred bytes.
    """
    folder = deployment.kit(site) / "site"
    state = SiteState(ShownSite(site, "", folder, load_site_config(deployment.site_config(site))))
    (large,) = (message for message in state.now()["messages"] if message["document"])
    sent = [row["bytes"] for row in state.rows(0) if row["topic"] == large["topic"] and row["tensors"]]
    assert len(sent) >= count
    assert all(0 < size - large["document"] < 1000 for size in sent), (sent, large["document"])
    if large["topic"] == "update":
        assert len(split_message((folder / "work" / "update").read_bytes(), "", "")[1]) == large["document"]


def die_with_the_tests() -> None:
    """Have the kernel end a process with the one that tests, which may be killed before it can clean up."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def ended(account: Account, timeout: float = TIMEOUT, pause: float = 0.05) -> dict[str, Any]:
    """Return the status of a federation once it has ended."""

    def finished() -> dict[str, Any] | None:
        status = account.status()
        assert status["state"] in ("preparing", "running", "finished"), status
        return status if status["state"] == "finished" else None

    return wait_for(finished, "the end of the federation", timeout, pause)


def barriers(status: dict[str, Any]) -> list[set[str]]:
    """Return the sites whose updates each barrier combined."""
    return [set(line["losses"]) for line in status.get("history", []) if line["event"] == "barrier"]


def lasting(deployment: Deployment, pause: float, **rules: Any) -> Federation:
    """Have every training take ``pause`` seconds, and return the settings with other rules."""
    for site in deployment.settings.sites:
        (deployment.folder / f"{site.name}.pause").write_text(str(pause))
        (deployment.folder / f"{site.name}.pid").unlink(missing_ok=True)
    return with_rules(deployment.settings, **rules)


def with_rules(settings: Federation, **rules: Any) -> Federation:
    """Return settings with other values in [federation]."""
    return settings.model_copy(update={"federation": settings.federation.model_copy(update=rules)})


def wait_for_barrier(account: Account, count: int) -> None:
    wait_for(lambda: account.status().get("barrier", 0) >= count, f"barrier {count}")


def printed(status: dict[str, Any]) -> list[str]:
    """Return the lines that the command prints of a federation."""
    sizes = bytes_by_barrier(status["history"])
    return [text for event in status["history"] if (text := event_line(event, sizes))]


def as_toml(settings: Mapping[str, Any]) -> str:
    """Return settings as the text of a federation.toml."""
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
