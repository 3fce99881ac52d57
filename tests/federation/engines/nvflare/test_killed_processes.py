"""Processes that are killed or hang: the federation goes on without them, takes them back, and reports it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from deployment import Account, Deployment, barriers, ended, lasting, printed, wait_for_barrier
from waiting import wait_for

from fedbragg.errors import FederationError
from fedbragg.federation import federate

pytestmark = pytest.mark.slow
ALL = {"site0", "site1", "site2"}


def trainer(deployment: Deployment, site: str) -> int:
    """Return the id of the process that trains at a site."""
    path = deployment.folder / f"{site}.pid"
    return int(wait_for(lambda: path.exists() and path.read_text(), f"training at {site}"))


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_trainer_fails_once_and_its_site_goes_on(three: Deployment) -> None:
    account = three.account()
    account.start(lasting(three, 0.7), restart=True)
    os.kill(trainer(three, "site0"), signal.SIGKILL)
    status = ended(account)
    assert status["ended"] == "all 4 barriers passed"
    assert barriers(status) == [ALL - {"site0"}, ALL, ALL, ALL]
    assert "site0: failed: the trainer was killed (SIGKILL)" in printed(status)


def test_a_hung_trainer_is_stopped_and_its_site_goes_on(three: Deployment) -> None:
    (three.folder / "site1.hang").touch()
    account = three.account()
    account.start(lasting(three, 0.1), restart=True)
    status = ended(account)
    assert status["ended"] == "all 4 barriers passed"
    assert barriers(status)[1:] == [ALL] * 3
    assert "site1: failed: no update within 3 s; the trainer was stopped" in printed(status)


def test_a_killed_client_ends_its_trainer_and_returns_to_the_same_federation(three: Deployment) -> None:
    account = three.account()
    account.start(lasting(three, 1.0, barriers=1000), restart=True)
    wait_for_barrier(account, 1)
    orphan = trainer(three, "site0")
    three.kill("site0")
    wait_for(lambda: not alive(orphan), "the end of the trainer", 2)
    wait_for(lambda: barriers(account.status())[-1] == ALL - {"site0"}, "a barrier of the others")
    three.start("site0")
    wait_for(lambda: barriers(account.status())[-1] == ALL, "its return", 100)
    account.stop()
    assert "site0: left: no message for 4 s" in printed(ended(account))


def test_a_killed_client_that_stays_away_delays_nobody(three: Deployment) -> None:
    account = three.account()
    account.start(lasting(three, 0.5), restart=True)
    wait_for_barrier(account, 1)
    three.kill("site2")
    status = ended(account)
    assert status["ended"] == "all 4 barriers passed"
    assert barriers(status)[-1] == ALL - {"site2"}


@pytest.mark.parametrize("schedule", ["sync", "hybrid"])
def test_a_killed_server_goes_on_from_its_last_barrier(
    three: Deployment, make_problem, schedule: str
) -> None:
    settings = lasting(three, 0.5, schedule=schedule)
    account = three.account()
    account.start(settings, restart=True)
    wait_for_barrier(account, 2)
    three.kill("server")
    three.start("server")
    status = ended(account)
    model = account.model()
    assert status["ended"] == "all 4 barriers passed"
    assert barriers(status) == [ALL] * 4
    if schedule == "sync":  # then nothing depends on who came first
        problem = make_problem()
        local = federate(settings, problem.sites[:3], problem.initial)
        for name, tensor in local.model.items():
            np.testing.assert_allclose(model[name], tensor, rtol=0, atol=1e-5)


def test_a_federation_goes_on_without_the_command_that_started_it(three: Deployment) -> None:
    settings = lasting(three, 0.5)
    path = three.folder / "settings.json"
    path.write_text(settings.model_dump_json(exclude={"sites": {"__all__": {"runs", "labels"}}}))
    script = (
        "import json, sys; from pathlib import Path; from fedbragg.config import Federation\n"
        "from fedbragg.cli.real_sites import run_real_sites\n"
        "settings = Federation.model_validate(json.loads(Path(sys.argv[1]).read_text()))\n"
        "run_real_sites(settings, Path(sys.argv[2]), resume=False)"
    )
    command = [sys.executable, "-c", script, str(path), str(three.kit("coordinator"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        wait_for(lambda: "barrier 1" in process.stdout.readline(), "the first barrier")
        process.kill()
    account = three.account()
    account.start(settings, restart=False)  # as --resume does: it finds the one that runs
    status = ended(account)
    assert status["ended"] == "all 4 barriers passed"
    assert barriers(status) == [ALL] * 4


def test_ctrl_c_ends_server_and_site_in_order(three: Deployment) -> None:
    three.kill("site2")
    before = len(three.output("site2"))  # of its earlier processes
    three.start("site2")
    wait_for(lambda: "connected" in three.output("site2")[before:], "site2's connection")
    for name in ("site2", "server"):
        three.processes[name].send_signal(signal.SIGINT)
        assert three.processes[name].wait(8) == 0
    assert "Traceback" not in three.output("site2") + three.output("server")


def test_an_account_gives_up_on_a_server_that_is_away_in_one_line(three: Deployment) -> None:
    three.kill("server")
    account = Account(three.kit("coordinator"), 3.0)
    with pytest.raises(FederationError, match="has not answered for 3 s"):
        account.status()
    account.close()
