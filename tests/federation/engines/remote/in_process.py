"""A server and its sites in one process: the service, and clients on threads, connected by DirectLink."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

from softmax import skewed_problem
from waiting import wait_for

from fedbragg.config import Federation
from fedbragg.federation.engines.remote.client import SiteClient
from fedbragg.federation.engines.remote.connection import Link
from fedbragg.federation.engines.remote.protocol import Message, decode_message, encode_message
from fedbragg.federation.engines.remote.server_folder import without_paths
from fedbragg.federation.engines.remote.service import FederationService
from fedbragg.federation.secure.identity import Credentials
from fedbragg.federation.tensors import encode_tensors
from fedbragg.testing import DirectLink

HERE = Path(__file__).parent
WORKER_COMMAND = (sys.executable, str(HERE / "softmax_worker.py"))
SITE_CONFIG = 'runs = ["/secret/place/*.h5"]\nlabels = "/secret/labels.csv"\n'


def start_model_command(folder: Path) -> tuple[str, ...]:
    """Write the start model of softmax regression, and return a program that hands it out."""
    model = folder / "softmax.safetensors"
    model.write_bytes(encode_tensors(skewed_problem().initial))
    return ("sh", "-c", 'cp "$0" "$2"', str(model))


def settings(**rules: Any) -> dict[str, Any]:
    """Return the settings of a federation of two sites."""
    table = {
        "federation": {"schedule": "sync", "barriers": 2, "deadline": 20.0, "patience": 1, **rules},
        "training": {"warmup_epochs": 1, "epochs": 1},
        "server": {
            "address": "nowhere:1",
            "heartbeat": 0.1,
            "site_timeout": 2.0,
            "training_timeout": 3.0,
        },
        "sites": [{"name": "site0"}, {"name": "site1"}],
    }
    return without_paths(Federation.model_validate(table))


class InProcessFederation:
    """A service, and clients on threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.service = self.open_service()
        self.said: dict[str, list[str]] = {}  # by site, the lines that its client prints
        self.clients: dict[str, SiteClient] = {}
        self._threads: list[threading.Thread] = []

    def open_service(self) -> FederationService:
        """Return a service on the federation's folder, as a server that is started again opens."""
        return FederationService(self.folder / "service", lambda _: None, start_model_command(self.folder))

    def join(
        self,
        site: str,
        limits: str = "",
        worker_command: tuple[str, ...] = WORKER_COMMAND,
        link: Link | None = None,
        credentials: Credentials | None = None,
    ) -> SiteClient:
        """Start a site's client."""
        config = self.folder / f"{site}.toml"
        config.write_text(SITE_CONFIG + limits)
        (self.folder / site).mkdir(exist_ok=True)
        said = self.said.setdefault(site, [])
        client = SiteClient(site, config, self.folder / site, said.append, worker_command, credentials)
        self.clients[site] = client
        thread = threading.Thread(
            target=client.run, args=(link or DirectLink(self.service, site),), name=site
        )
        self._threads.append(thread)
        thread.start()
        return client

    def start(self, table: dict[str, Any] | None = None, **rules: Any) -> None:
        """Start a federation, and have the clients that wait for one poll at once."""
        self.service.start(table or settings(**rules), restart=True)
        wait_for(lambda: self.service.status()["state"] == "running", "the start")
        for client in self.clients.values():
            client.wake()

    def leave(self, site: str) -> None:
        """End a site's client, and wait until it has sent its last message."""
        self.clients[site].leave()
        for thread in self._threads:
            if thread.name == site:
                thread.join(10)

    def ask(self, site: str, topic: str, **fields: Any) -> Message:
        """Send a message in a site's name, without a client."""
        return decode_message(self.service.ask(site, topic, encode_message(Message(fields))))

    def request_of(self, site: str) -> dict[str, Any]:
        """Poll in a site's name until it has a request, and return that."""
        return wait_for(
            lambda: self.ask(site, "poll", client=f"client of {site}").fields.get("request"), "a request"
        )

    def ended(self) -> dict[str, Any]:
        """Return the status of the federation once it has ended."""
        return wait_for(
            lambda: (status := self.service.status())["state"] in ("finished", "failed") and status,
            "the end of the federation",
        )

    def close(self) -> None:
        for client in self.clients.values():
            client.leave()
        for thread in self._threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in self._threads)


def failures(status: dict[str, Any]) -> list[str]:
    """Return each failure in a federation's history, with its site."""
    return [f"{line['site']}: {line['reason']}" for line in status["history"] if line["event"] == "failed"]


def barriers(status: dict[str, Any]) -> list[set[str]]:
    """Return the sites whose updates each barrier combined."""
    return [set(line["losses"]) for line in status["history"] if line["event"] == "barrier"]
