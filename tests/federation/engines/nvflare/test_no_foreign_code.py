"""A job with code of its own: the server refuses it, and where a server does not, every site does."""

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


def submit(deployment: Deployment) -> dict[str, Any]:
    """Submit the job as the coordinator; return the outcome."""
    job = write_job(deployment.folder)
    command = [sys.executable, str(HERE / "submit_job.py"), str(deployment.kit("coordinator")), str(job)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@contextmanager
def hostile_server(deployment: Deployment) -> Iterator[None]:
    """Have the server grant everybody every right, as an attacker's would."""
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


def test_the_server_refuses_a_job_even_of_the_coordinator(three: Deployment) -> None:
    assert "authoriz" in submit(three)["refused"]
    assert not list(three.folder.glob("was-here-*"))


def test_every_site_refuses_a_job_of_a_hostile_server(three: Deployment) -> None:
    with hostile_server(three):
        account = three.account()
        account.status()  # when it answers, the sites are back or soon will be
        result = submit(three)
    assert result.get("status") not in ("RUNNING", "FINISHED:COMPLETED"), result
    assert result["detail"], result
    detail = " ".join(result["detail"])
    assert all(site in detail for site in SITES), result
    assert "OK" not in detail.replace("server: OK", ""), result
    assert not list(three.folder.glob("was-here-*"))


def test_an_observer_cannot_start_a_federation(three: Deployment) -> None:
    guest = three.account("guest")
    assert "state" in guest.status()
    with pytest.raises(FederationError, match="may not do this"):
        guest.start(three.settings, restart=True)
    with pytest.raises(FederationError, match="may not do this"):
        guest.stop()
