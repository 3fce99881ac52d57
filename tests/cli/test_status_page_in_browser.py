"""``fedbragg status --page`` in a real browser, with a server that answers from a script."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import uvicorn
from browser import CHROMIUM, browser

from fedbragg.cli import status
from fedbragg.errors import FederationError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]
SITE = {
    "site": "a", "doing": "training", "silent": 7.2, "version": 3, "loss": 0.25, "samples": 9,
    "sent": 1500, "received": 3_200_000, "problem": "left: no message for 4 s",
}  # fmt: skip

SHOWN = (
    "[...document.querySelectorAll('#sites tbody td')]"
    ".filter((cell) => cell.checkVisibility()).map((cell) => cell.textContent)"
)
"""The cells of the table that can be seen."""


class Client:
    """An account's connection to a server that may be away."""

    away = False
    networks: Mapping[str, str] = MappingProxyType({})

    def status(self, since: int) -> dict[str, Any]:
        if self.away:
            raise FederationError("The server has not answered for 20 s.")
        history = [
            {
                "event": "barrier",
                "barrier": n,
                "losses": {"a": 1 / n, "b": 2 / n},
                "weights": {"a": 0.25, "b": 0.75},
            }
            for n in range(1, 6)
        ]
        running = {"federation": "f", "state": "running", "problem": None, "barrier": 5, "barriers": 9}
        numbers = {"version": 12, "time": 61.0, "ended": None, "lines": 5}
        return {
            **running,
            **numbers,
            "sites": [SITE],
            "networks": dict(self.networks),
            "history": history[since:],
        }


def test_the_page_shows_sites_losses_and_weights_and_says_when_the_server_is_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client, servers = Client(), list[uvicorn.Server]()

    @contextmanager
    def connected(kit: Path, wait: float) -> Iterator[Client]:
        yield client

    run: Callable[..., None] = uvicorn.Server.run
    monkeypatch.setattr(
        uvicorn.Server, "run", lambda server, **more: (servers.append(server), run(server, **more))
    )
    monkeypatch.setattr(status, "admin_client", connected)
    thread = threading.Thread(target=status.status, args=(Path("kit"),), kwargs={"page": True})
    thread.start()
    said = ""
    while "stop" not in said:
        said += capsys.readouterr().out
        time.sleep(0.02)
    with browser() as tab:
        tab.open(said.split()[1])

        def until(condition: str) -> None:
            end = time.monotonic() + 60
            while not tab.run(condition):
                assert time.monotonic() < end, tab.run("document.body.innerText")
                time.sleep(0.05)

        until("document.documentElement.dataset.ready")
        assert tab.run("headline.textContent") == "f: running, barrier 5 of 9, version 12, 61 s"
        cells = tab.run(SHOWN)
        assert cells == ["a", "training", "7 s ago", "3", "0.250", "0.250", "9", "1.5 kB", "3.2 MB"]
        assert tab.run("problems.textContent") == "a: left: no message for 4 s"
        assert tab.run("document.getElementById('legend').textContent").split() == ["a", "b"]
        client.networks = {"a": "spotnet", "b": "resnet18"}
        until(f"{SHOWN}[1] === 'spotnet'")
        client.away = True
        until("document.getElementById('problem').textContent.startsWith('The server has not answered')")
        assert tab.run("headline.textContent").startswith("f: running")
        tab.resize(420)
        assert tab.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert tab.complaints == []
    servers[0].should_exit = True
    thread.join()
