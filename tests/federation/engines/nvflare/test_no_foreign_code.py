"""A job with code of its own: the server refuses it, and where the server would not, every site does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from deployment import HERE, Deployment

from fedbragg.errors import FederationError

pytestmark = pytest.mark.slow
SITES = ("site0", "site1", "site2")
EVERYTHING = {
    "format_version": "1.0",
    "permissions": {"lead": "any", "project_admin": "any", "org_admin": "any", "member": "any"},
}


def write_job(folder: Path) -> Path:
    """Write a job whose import at a site would leave a file in the working folder."""
    app = folder / "job" / "app"
    (app / "custom").mkdir(parents=True, exist_ok=True)
    (app / "config").mkdir(exist_ok=True)
    (app / "custom" / "foreign.py").write_text(
        f"import os; open({str(folder)!r} + '/was-here-' + str(os.getpid()), 'w').close()\n"
        "from nvflare.apis.executor import Executor\nclass Foreign(Executor):\n    pass\n"
    )
    executor = {"tasks": ["*"], "executor": {"path": "foreign.Foreign", "args": {}}}
    client = {"format_version": 2, "executors": [executor], "components": []}
    workflow = {"id": "w", "path": "foreign.Foreign", "args": {}}
    server = {"format_version": 2, "workflows": [workflow], "components": []}
    meta = {"name": "foreign", "resource_spec": {}, "min_clients": 3, "deploy_map": {"app": ["@ALL"]}}
    (app / "config" / "config_fed_client.json").write_text(json.dumps(client))
    (app / "config" / "config_fed_server.json").write_text(json.dumps(server))
    (folder / "job" / "meta.json").write_text(json.dumps(meta))
    return folder / "job"


def submitted(deployment: Deployment) -> dict[str, Any]:
    job = write_job(deployment.folder)
    command = [sys.executable, str(HERE / "submit_process.py"), str(deployment.kit("coordinator")), str(job)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@contextmanager
def careless(deployment: Deployment) -> Iterator[None]:
    """Have the server grant everybody everything, as one in foreign hands would."""
    path = deployment.kit("server") / "local" / "authorization.json"
    before = path.read_text()
    deployment.kill("server")
    path.write_text(json.dumps(EVERYTHING))
    deployment.start("server")
    try:
        yield
    finally:
        deployment.kill("server")
        path.write_text(before)
        deployment.start("server")


def test_the_server_takes_no_job_even_from_the_lead(three: Deployment) -> None:
    assert "authoriz" in submitted(three)["refused"]
    assert not list(three.folder.glob("was-here-*"))


def test_every_site_refuses_a_job_that_a_careless_server_hands_on(three: Deployment) -> None:
    with careless(three):
        account = three.account()
        account.status()  # the sites are back once it answers, or soon
        told = submitted(three)
    assert told.get("status") not in ("RUNNING", "FINISHED:COMPLETED"), told
    assert told["detail"], told
    detail = " ".join(told["detail"])
    assert all(site in detail for site in SITES), told
    assert "OK" not in detail.replace("server: OK", ""), told
    assert not list(three.folder.glob("was-here-*"))


def test_an_observer_cannot_start_a_federation(three: Deployment) -> None:
    guest = three.account("guest")
    assert "state" in guest.status()
    with pytest.raises(FederationError, match="may not do this"):
        guest.start(three.settings, anew=True)
    with pytest.raises(FederationError, match="may not do this"):
        guest.stop()
