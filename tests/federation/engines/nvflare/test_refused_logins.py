"""Logins that one side refuses, against a real server: an end at once, and a line that says what to do."""

from __future__ import annotations

import json
import shutil
import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest
from certificates import Authority, copied
from cryptography.hazmat.primitives.serialization import Encoding
from deployment import Deployment, barriers, free_port, lasting, wait_for_barrier
from waiting import wait_for

from fedbragg.errors import ConfigError
from fedbragg.federation.engines.nvflare.kit_credentials import kit_credentials
from fedbragg.federation.engines.nvflare.refused_certificate import refused_certificate

WAIT = 100
"""Seconds of --wait; a refused login must not use them up."""


@pytest.fixture
def address(three: Deployment) -> str:
    return f"localhost:{three.port}"


def test_an_accepted_certificate_is_no_refusal_and_neither_is_silence(
    three: Deployment, address: str
) -> None:
    assert refused_certificate(three.kit("site3"), address) is None
    assert refused_certificate(three.kit("site3"), f"localhost:{free_port()}") is None  # nothing listens
    with socket.create_server(("127.0.0.1", 0)) as closing:
        closing.listen()
        closing.settimeout(0.01)  # the server is there, and does not answer
        port = closing.getsockname()[1]
        assert refused_certificate(three.kit("site3"), f"127.0.0.1:{port}") is None


def test_a_server_of_another_authority_is_not_trusted(three: Deployment, address: str) -> None:
    kit = copied(three.kit("site3"), "other-root")
    root = Authority.another().root.public_bytes(Encoding.PEM)
    (kit / "startup/rootCA.pem").write_bytes(root)
    refusal = refused_certificate(kit, address)
    assert refusal is not None
    assert refusal.startswith("this kit does not trust the server's certificate (")
    assert "the kit that belongs to this server" in refusal


def test_a_certificate_of_another_authority_is_refused_by_the_server(three: Deployment, address: str) -> None:
    kit = copied(three.kit("site3"), "other-authority")
    Authority.another().certify(kit)
    refusal = refused_certificate(kit, address)
    assert refusal is not None
    assert refusal.startswith("the server refuses this kit's certificate (")
    assert "Ask the coordinator for a new kit" in refusal


def test_a_kit_with_another_site_s_certificate_is_refused_before_anything_starts(three: Deployment) -> None:
    kit = copied(three.kit("site3"), "mixed")
    for name in ("client.crt", "client.key"):
        shutil.copy(three.kit("site4") / "startup" / name, kit / "startup" / name)
    with pytest.raises(ConfigError, match=r"client\.crt: made for site4, and the kit for site3"):
        kit_credentials(kit)


@pytest.mark.slow
def test_join_ends_at_once_with_one_line_where_it_is_refused(three: Deployment, address: str) -> None:
    """An expired certificate, which the server's TLS refuses, and a kit of another project, which FLARE refuses."""
    expired = copied(three.kit("site3"), "expired")
    Authority.of_kits(expired.parent).certify(expired, valid_for=-timedelta(days=1))
    astray = copied(three.kit("site4"), "astray")
    _rename_project(astray / "startup/fed_client.json", "another")
    began = time.monotonic()
    three.start("expired", "astray", FEDBRAGG_TEST_JOIN=f"--wait {WAIT}")
    assert [three.processes[name].wait(WAIT) for name in ("expired", "astray")] == [2, 2]
    assert time.monotonic() - began < WAIT / 2
    reasons = {
        "expired": "the server refuses this kit's certificate (certificate expired). Ask the coordinator",
        "astray": "the server refuses the login (Requested task does not match the current server task). Ask",
    }
    for name, site in (("expired", "site3"), ("astray", "site4")):
        *_, end = three.output(name).splitlines()
        assert end.startswith(f"fedbragg: site {site} cannot log in at {address}: {reasons[name]}")
        assert end.endswith(f"{three.kit(name).resolve() / 'log.txt'} has FLARE's messages.")
        assert "Traceback" not in three.output(name)


@pytest.mark.slow
def test_of_two_clients_of_one_kit_the_earlier_ends_and_the_later_trains(
    three: Deployment, address: str
) -> None:
    copied(three.kit("site2"), "twin")
    account = three.account()
    account.start(lasting(three, 0.5, barriers=1000, patience=1000), restart=True)
    wait_for_barrier(account, 1)
    three.start("twin", FEDBRAGG_TEST_JOIN=f"--wait {WAIT}")
    assert three.processes["site2"].wait(WAIT) == 2
    *_, end = three.output("site2").splitlines()
    assert end.startswith(
        f"fedbragg: server {address}: another client of site site2 has connected since this one."
    )
    passed = account.status()["barrier"]
    wait_for(
        lambda: any("site2" in sites for sites in barriers(account.status())[passed:]),
        "the twin's update",
        60,
    )
    assert three.processes["twin"].poll() is None
    three.kill("twin")
    account.stop()


def _rename_project(path: Path, name: str) -> None:
    content = json.loads(path.read_text())
    content["servers"][0]["name"] = name
    path.write_text(json.dumps(content))
