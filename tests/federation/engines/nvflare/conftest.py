from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("nvflare") is None:
    pytest.skip("NVIDIA FLARE is not installed: pip install 'fedbragg[federate]'", allow_module_level=True)

sys.path.insert(0, str(Path(__file__).parent))  # deployment.py is beside the tests

from deployment import Deployment
from waiting import wait_for

SITES = ("site0", "site1", "site2")
OTHERS = ("site3", "site4", "site5")  # have kits, and run only where a test starts them
SETTINGS = {
    "training": {"warmup_epochs": 2, "epochs": 1},
    "federation": {"schedule": "sync", "barriers": 4, "deadline": 60.0},
    "server": {
        "heartbeat": 0.3,
        "site_timeout": 4.0,
        "training_timeout": 3.0,
        "message_timeout": 5.0,
        "server_timeout": 30.0,
        "observers": ["guest"],
    },
    "sites": [{"name": name} for name in SITES],
}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the processes after the last test that needs them: even idle ones take time from the other tests."""
    running = getattr(item, "funcargs", {}).get("running")
    if running is not None and "running" not in getattr(nextitem, "fixturenames", ()):
        running.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A server and three sites that train softmax regression; whatever happens, all of it is ended at the end."""
    deployment = Deployment(tmp_path_factory.mktemp("three"), SETTINGS, others=OTHERS)
    try:
        deployment.start("server", *SITES)
        yield deployment
    finally:
        deployment.close()


@pytest.fixture
def three(running: Deployment) -> Iterator[Deployment]:
    """The same with all processes up, no fault arranged and no federation in progress."""
    running.start(*(name for name in ("server", *SITES) if running.processes[name].poll() is not None))
    for name in SITES:
        (running.folder / f"{name}.pause").unlink(missing_ok=True)
        (running.folder / f"{name}.hang").unlink(missing_ok=True)
    account = running.account()
    if account.status()["state"] in ("preparing", "running"):
        account.stop()
        wait_for(lambda: account.status()["state"] not in ("preparing", "running"), "the end of the last one")
    yield running
