"""Server's session and sites' clients in one process, without FLARE between them."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

from deployment import HERE, wait_for

from fedbragg.config import Federation
from fedbragg.federation.engines.remote.client import SiteClient
from fedbragg.federation.engines.remote.service import FederationService

START = (sys.executable, str(HERE / "simple_start.py"))
SIMPLE = (sys.executable, str(HERE / "simple_worker.py"))
OWN = 'runs = ["/secret/place/*.h5"]\nlabels = "/secret/labels.csv"\n'


def settings(**rules: Any) -> dict[str, Any]:
    told = {
        "federation": {"schedule": "sync", "barriers": 2, "deadline": 4.0, "patience": 1, **rules},
        "training": {"warmup_epochs": 1, "epochs": 1},
        "server": {"address": "nowhere:1", "contact": 0.1, "lost": 2.0, "training": 3.0},
        "sites": [{"name": "site0"}, {"name": "site1"}],
    }
    return Federation.model_validate(told).model_dump(
        mode="json", exclude={"sites": {"__all__": {"runs", "labels"}}}
    )


class Direct:
    """A link without a network."""

    def __init__(self, service: FederationService, site: str) -> None:
        self._service, self._site = service, site

    def ask(self, topic: str, payload: bytes, patience: float) -> memoryview:
        return memoryview(self._service.ask(self._site, topic, payload))


class Slow(Direct):
    """A link on which a model and an update take longer than a site may be silent, and let nothing else past."""

    SECONDS = 4.0

    def __init__(self, service: FederationService, site: str) -> None:
        super().__init__(service, site)
        self.large: list[str] = []

    def ask(self, topic: str, payload: bytes, patience: float) -> memoryview:
        answer = b"" if topic == "update" else super().ask(topic, payload, patience)
        if topic in ("model", "update"):
            self.large.append(topic)
            time.sleep(self.SECONDS)
        return super().ask(topic, payload, patience) if topic == "update" else memoryview(answer)


class House:
    """An service, and agents on threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.service = self.opened()
        self.said: dict[str, list[str]] = {}
        self._agents: list[tuple[SiteClient, threading.Thread]] = []

    def opened(self) -> FederationService:
        return FederationService(self.folder / "service", lambda _: None, START)

    def join(
        self, site: str, more: str = "", worker: tuple[str, ...] = SIMPLE, link: Direct | None = None
    ) -> None:
        own = self.folder / f"{site}.toml"
        own.write_text(OWN + more)
        (self.folder / site).mkdir(exist_ok=True)
        said = self.said.setdefault(site, [])
        client = SiteClient(site, own, self.folder / site, said.append, worker)
        thread = threading.Thread(target=client.run, args=(link or Direct(self.service, site),))
        self._agents.append((client, thread))
        thread.start()

    def ended(self) -> dict[str, Any]:
        return wait_for(
            lambda: (told := self.service.status())["state"] in ("finished", "failed") and told, "the end"
        )

    def close(self) -> None:
        for client, _ in self._agents:
            client.leave()
        for _, thread in self._agents:
            thread.join(10)


def reasons(told: dict[str, Any]) -> list[str]:
    return [f"{line['site']}: {line['reason']}" for line in told["history"] if line["event"] == "failed"]


def barriers(told: dict[str, Any]) -> list[set[str]]:
    return [set(line["losses"]) for line in told["history"] if line["event"] == "barrier"]
