"""A site's login at a server that is away, slow or stopped: tried again, and at the limit an end in one line."""

from __future__ import annotations

import signal
import time

import pytest
from deployment import Deployment
from waiting import wait_for

pytestmark = pytest.mark.slow


def test_without_a_server_join_ends_in_one_line_at_its_limit(three: Deployment) -> None:
    three.kill("site2")
    three.kill("server")
    before = len(three.output("site2"))
    three.start("site2", FEDBRAGG_TEST_JOIN="--wait 2")
    assert three.processes["site2"].wait(60) == 2
    connecting, slow, end = three.output("site2")[before:].splitlines()
    assert connecting.endswith(f"site site2: connecting to localhost:{three.port}")
    assert slow.endswith("yet; trying again for at most 2 s")
    assert end.startswith(f"fedbragg: no login at localhost:{three.port} within 2 s. Is the server running")


def test_a_site_logs_in_at_last_on_a_machine_and_at_a_server_that_are_too_slow_for_flare(
    three: Deployment,
) -> None:
    """FLARE's client ends after 15 s without a cell, and after one message that is not answered in 30 s."""
    three.kill("site2")
    log, before = three.kit("site2") / "log.txt", len(three.output("site2"))
    size = log.stat().st_size
    three.start("site2", FEDBRAGG_TEST_JOIN="--wait 100", FEDBRAGG_TEST_SLOW="4")
    wait_for(lambda: b"is created: PID" in log.read_bytes()[size:], "the connection", 60, 0.01)
    time.sleep(1.5)  # until the two cells know each other
    three.processes["server"].send_signal(signal.SIGSTOP)
    try:
        wait_for(
            lambda: b"no login (the server did not answer" in log.read_bytes()[size:], "no answer", 60, 0.2
        )
    finally:
        three.processes["server"].send_signal(signal.SIGCONT)
    wait_for(lambda: "connected" in three.output("site2")[before:], "the login", 100, 0.2)
    said = log.read_bytes()[size:].decode()
    assert "no login (Client cell could not be created. Failed to login the client.)" in said
    assert "Traceback" not in three.output("site2")[before:]
    three.kill("site2")  # the next test gets a client that is not slow
