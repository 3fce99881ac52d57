"""Processes killed, hung and cut off: the federation ends by itself, with every survivor's work, and says what was."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deployment import Deployment, Remote, ended, wait_for
from proxy import Link

from fedbragg.cli.real_sites import account_of, cost_of
from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation import federate

pytestmark = pytest.mark.slow
EVERYBODY = {"site0", "site1", "site2"}


def lasting(deployment: Deployment, pause: float, **rules: Any) -> Federation:
    """Have every training take so long, and return the settings with other rules."""
    for site in EVERYBODY:
        (deployment.folder / f"{site}.pause").write_text(str(pause))
    (deployment.folder / "site0.pid").unlink(missing_ok=True)
    settings = deployment.settings
    return settings.model_copy(update={"federation": settings.federation.model_copy(update=rules)})


def barriers(told: dict[str, Any]) -> list[set[str]]:
    """Return whose work each barrier has."""
    return [set(line["losses"]) for line in told.get("history", []) if line["event"] == "barrier"]


def lines(told: dict[str, Any]) -> list[str]:
    """Return what the command prints."""
    cost = cost_of(told["history"])
    return [text for line in told["history"] if (text := account_of(line, cost))]


def passed(account: Remote, count: int) -> None:
    wait_for(lambda: account.status().get("barrier", 0) >= count, f"barrier {count}")


def trainer(deployment: Deployment, site: str) -> int:
    """Return the process that trains at a site just now."""
    path = deployment.folder / f"{site}.pid"
    return int(wait_for(lambda: path.exists() and path.read_text(), f"training at {site}"))


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_trainer_fails_once_and_its_site_goes_on(three: Deployment) -> None:
    account = three.account()
    account.start(lasting(three, 0.7), anew=True)
    os.kill(trainer(three, "site0"), signal.SIGKILL)
    told = ended(account)
    assert told["ended"] == "all 4 barriers passed"
    assert barriers(told) == [EVERYBODY - {"site0"}, EVERYBODY, EVERYBODY, EVERYBODY]
    assert "site0: failed: the trainer was killed (SIGKILL)" in lines(told)


def test_a_hung_trainer_is_stopped_and_its_site_goes_on(three: Deployment) -> None:
    (three.folder / "site1.hang").touch()
    account = three.account()
    account.start(lasting(three, 0.1), anew=True)
    told = ended(account)
    assert told["ended"] == "all 4 barriers passed"
    assert barriers(told)[1:] == [EVERYBODY] * 3
    assert "site1: failed: no update within 3 s; the trainer was stopped" in lines(told)


def test_a_killed_client_takes_its_trainer_along_and_comes_back_into_the_same_federation(
    three: Deployment,
) -> None:
    account = three.account()
    account.start(lasting(three, 1.0, barriers=10), anew=True)
    passed(account, 1)
    orphan = trainer(three, "site0")
    three.kill("site0")
    wait_for(lambda: not alive(orphan), "the end of the trainer", 2)
    wait_for(lambda: "left" in told_of(account, "site0"), "that the site is missed")
    three.start("site0")
    told = ended(account)
    assert told["ended"] == "all 10 barriers passed"
    assert EVERYBODY - {"site0"} in barriers(told)  # the others went on
    assert barriers(told)[-1] == EVERYBODY  # and it is back
    assert "site0: left: not heard of for 4 s" in lines(told)


def told_of(account: Remote, site: str) -> str:
    return next(str(row["trouble"]) for row in account.status()["sites"] if row["site"] == site)


def test_a_killed_client_that_stays_away_holds_nobody_up(three: Deployment) -> None:
    account = three.account()
    account.start(lasting(three, 0.5), anew=True)
    passed(account, 1)
    three.kill("site2")
    told = ended(account)
    assert told["ended"] == "all 4 barriers passed"
    assert barriers(told)[-1] == EVERYBODY - {"site2"}


@pytest.mark.parametrize("schedule", ["sync", "hybrid"])
def test_a_killed_server_goes_on_from_its_last_barrier(
    three: Deployment, make_problem, schedule: str
) -> None:
    settings = lasting(three, 0.5, schedule=schedule)
    account = three.account()
    account.start(settings, anew=True)
    passed(account, 2)
    three.kill("server")
    three.start("server")
    told = ended(account)
    model = account.model()
    assert told["ended"] == "all 4 barriers passed"
    assert barriers(told) == [EVERYBODY] * 4
    if schedule == "sync":  # then nothing depends on who came first
        problem = make_problem()
        here = federate(settings, problem.sites[:3], problem.initial)
        for name, tensor in here.model.items():
            np.testing.assert_allclose(model[name], tensor, rtol=0, atol=1e-5)


def test_a_federation_outlives_the_command_that_started_it(three: Deployment) -> None:
    settings = lasting(three, 0.5)
    (three.folder / "settings.json").write_text(
        settings.model_dump_json(exclude={"sites": {"__all__": {"runs", "labels"}}})
    )
    script = (
        "import json, sys; from pathlib import Path; from fedbragg.config import Federation\n"
        "from fedbragg.cli.real_sites import run_real\n"
        "plan = Federation.model_validate(json.loads(Path(sys.argv[1]).read_text()))\n"
        "run_real(plan, Path(sys.argv[2]), resume=False)"
    )
    command = [
        sys.executable,
        "-c",
        script,
        str(three.folder / "settings.json"),
        str(three.kit("coordinator")),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        wait_for(lambda: "barrier 1" in process.stdout.readline(), "the first barrier")
        process.kill()
    account = three.account()
    account.start(settings, anew=False)  # as --resume does: it finds what runs
    told = ended(account)
    assert told["ended"] == "all 4 barriers passed"
    assert barriers(told) == [EVERYBODY] * 4


@contextmanager
def behind(deployment: Deployment, site: str) -> Iterator[Link]:
    """Have a site call through a link that the test holds."""
    path = deployment.kit(site) / "startup" / "fed_client.json"
    before = path.read_text()
    with Link(deployment.port) as link:
        settings = json.loads(before)
        settings["servers"][0]["service"]["target"] = f"localhost:{link.port}"
        deployment.kill(site)
        path.write_text(json.dumps(settings))
        deployment.start(site)
        try:
            yield link
        finally:
            deployment.kill(site)
            path.write_text(before)


def test_a_cut_link_costs_a_site_its_time_and_nothing_else(three: Deployment) -> None:
    account = three.account()
    with behind(three, "site2") as link:
        account.start(lasting(three, 0.8, barriers=16), anew=True)
        wait_for(lambda: barriers(account.status())[-1:] == [EVERYBODY], "a barrier with everybody")
        link.cut()
        wait_for(lambda: "left" in told_of(account, "site2"), "that the site is missed")
        link.mend()
        told = ended(account)
        said = three.said("site2")
    assert told["ended"] == "all 16 barriers passed"
    assert EVERYBODY - {"site2"} in barriers(told)
    assert barriers(told)[-1] == EVERYBODY
    assert "no answer from the server" in said
    assert "the server answers again" in said


@pytest.mark.timeout(400)
def test_a_link_cut_for_half_a_minute_and_a_client_gone_for_one(three: Deployment) -> None:
    """At their full length: the third site works on alone, both come back, and the end has everybody's work."""
    account = three.account()
    with behind(three, "site2") as link:
        account.start(lasting(three, 1.0, barriers=72), anew=True)
        wait_for(lambda: barriers(account.status())[-1:] == [EVERYBODY], "a barrier with everybody")
        link.cut()
        three.kill("site1")
        began = time.monotonic()
        wait_for(lambda: barriers(account.status())[-1] == {"site0"}, "a barrier of site0 alone")
        time.sleep(began + 30 - time.monotonic())
        link.mend()
        wait_for(lambda: barriers(account.status())[-1] == EVERYBODY - {"site1"}, "site2's return")
        time.sleep(began + 60 - time.monotonic())
        three.start("site1")
        told = ended(account, 120)
    assert told["ended"] == "all 72 barriers passed"
    assert barriers(told)[-1] == EVERYBODY
    assert {"site1: left: not heard of for 4 s", "site2: left: not heard of for 4 s"} <= set(lines(told))


def test_messages_that_are_late_count_nonetheless(three: Deployment) -> None:
    account = three.account()
    with behind(three, "site2") as link:
        link.delay(0.3, 0.5)
        account.start(lasting(three, 0.1), anew=True)
        told = ended(account)
        seen = bytes(link.seen)
    assert told["ended"] == "all 4 barriers passed"
    assert barriers(told) == [EVERYBODY] * 4
    assert seen[:2] == b"\x16\x03"  # a TLS handshake, and after it nothing that can be read
    assert not any(word in seen for word in (b"request", b"site2", b"tensors"))


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


def test_ctrl_c_ends_server_and_site_in_order(three: Deployment) -> None:
    three.kill("site2")
    before = len(three.said("site2"))  # of its earlier lives
    three.start("site2")
    wait_for(lambda: "connected" in three.said("site2")[before:], "site2's connection")
    for name in ("site2", "server"):
        three.processes[name].send_signal(signal.SIGINT)
        assert three.processes[name].wait(8) == 0
    assert "Traceback" not in three.said("site2") + three.said("server")


def test_a_server_that_is_not_there_is_given_up_in_one_line(three: Deployment) -> None:
    three.kill("server")
    account = Remote(three.kit("coordinator"), 3.0)
    with pytest.raises(FederationError, match="has not answered for 3 s"):
        account.status()
    account.close()
