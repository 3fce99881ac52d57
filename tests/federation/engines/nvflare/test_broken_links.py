"""Links that are cut, late or opened by strangers: sites return, late messages count, strangers are refused."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from deployment import Account, Deployment, barriers, ended, lasting, printed
from proxy import Proxy
from waiting import wait_for

pytestmark = pytest.mark.slow
ALL = {"site0", "site1", "site2"}


@contextmanager
def behind_proxy(deployment: Deployment, site: str) -> Iterator[Proxy]:
    """Have a site connect through a proxy."""
    path = deployment.kit(site) / "startup" / "fed_client.json"
    before = path.read_text()
    with Proxy(deployment.port) as proxy:
        settings = json.loads(before)
        settings["servers"][0]["service"]["target"] = f"localhost:{proxy.port}"
        deployment.kill(site)
        path.write_text(json.dumps(settings))
        earlier = len(deployment.output(site))
        deployment.start(site)
        try:
            wait_for(lambda: "connected" in deployment.output(site)[earlier:], f"{site}'s connection")
            yield proxy
        finally:
            deployment.kill(site)
            path.write_text(before)


def wait_for_last_barrier(account: Account, sites: set[str]) -> None:
    wait_for(lambda: barriers(account.status())[-1:] == [sites], f"a barrier of {sorted(sites)}", 100)


def test_a_site_behind_a_cut_link_misses_barriers_and_returns(three: Deployment) -> None:
    account = three.account()
    with behind_proxy(three, "site2") as proxy:
        account.start(lasting(three, 0.5, barriers=1000), restart=True)
        wait_for_last_barrier(account, ALL)
        before = len(three.output("site2"))
        proxy.cut()
        wait_for(lambda: "left" in account.problem("site2"), "that the site counts as gone")
        wait_for_last_barrier(account, ALL - {"site2"})
        wait_for(lambda: "no answer from the server" in three.output("site2")[before:], "the site's message")
        proxy.restore()
        wait_for_last_barrier(account, ALL)
        assert "the server answers again" in three.output("site2")[before:]
        account.stop()
        assert "site2: left: no message for 4 s" in printed(ended(account))


@pytest.mark.timeout(400)
def test_a_link_cut_for_half_a_minute_and_a_client_away_for_one(three: Deployment) -> None:
    """The third site works on alone, both others return, and the end has the work of all."""
    account = three.account()
    with behind_proxy(three, "site2") as proxy:
        account.start(lasting(three, 1.0, barriers=1000), restart=True)
        wait_for_last_barrier(account, ALL)
        proxy.cut()
        three.kill("site1")
        start = time.monotonic()
        wait_for_last_barrier(account, {"site0"})
        time.sleep(start + 30 - time.monotonic())
        proxy.restore()
        wait_for_last_barrier(account, ALL - {"site1"})
        time.sleep(start + 60 - time.monotonic())
        three.start("site1")
        wait_for_last_barrier(account, ALL)
        account.stop()
        lines = set(printed(ended(account)))
    assert {"site1: left: no message for 4 s", "site2: left: no message for 4 s"} <= lines


def test_late_messages_count_and_cannot_be_read_on_the_way(three: Deployment) -> None:
    account = three.account()
    with behind_proxy(three, "site2") as proxy:
        proxy.delay(0.3, 0.5)
        account.start(lasting(three, 0.1), restart=True)
        status = ended(account)
        seen = bytes(proxy.seen)
    assert status["ended"] == "all 4 barriers passed"
    assert barriers(status) == [ALL] * 4
    assert seen[:2] == b"\x16\x03"  # a TLS handshake, and nothing readable after it
    assert not any(word in seen for word in (b"request", b"site2", b"protocol", b"dtype"))


def test_a_stranger_without_a_certificate_is_not_let_in(three: Deployment) -> None:
    context = ssl.create_default_context(cafile=three.kit("site0") / "startup" / "rootCA.pem")
    with (
        pytest.raises(OSError),
        socket.create_connection(("127.0.0.1", three.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as link,
    ):
        link.sendall(b"\0" * 64)
        assert link.recv(1) == b""  # closed, if not already refused
        raise ConnectionResetError
