from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # commands.py lies beside the tests

from browser import Tab, browser
from commands import SETTINGS, Trained, done

from fedbragg.cli import main


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two small sites, simulated; a model of a minute's training is none to judge by, but it is a whole one.

    It is made once for all workers of a test run; the first one makes it, and the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "federation"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = folder / "said.txt"
        if not said.exists():
            said.write_text(train(folder), encoding="utf-8")
    return Trained(folder, said.read_text(encoding="utf-8"))


def train(folder: Path) -> str:
    """Simulate the two sites and train; return what the training printed."""
    for beamline, place, seed in (("pilatus6m", "counter", "3"), ("ccd", "old", "4")):
        size = ("--frames", "40", "--size", "256", "--seed", seed)
        done("simulate", beamline, *size, "--out", folder / place)
    (folder / "federation.toml").write_text(SETTINGS, encoding="utf-8")
    return done("federate", folder / "federation.toml", "--out", folder / "first")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Tab]:
    """A page of a browser."""
    with browser() as tab:
        yield tab


@pytest.fixture
def refused_here(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command in this process that must end with one line and exit code 2; return the line."""

    def run(*arguments: str | Path) -> str:
        assert main(list(map(str, arguments))) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("fedbragg: ")
        assert said.err.count("\n") == 1, said.err
        return said.err.removeprefix("fedbragg: ").rstrip("\n")

    return run
