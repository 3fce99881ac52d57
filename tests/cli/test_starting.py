"""How the commands start: fast, with help that can be read."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import FEDBRAGG, done, refused

from fedbragg import __version__

COMMANDS = (
    "demo",
    "screen",
    "merge",
    "look",
    "evaluate",
    "calibrate",
    "federate",
    "simulate",
    "phases",
    "tags",
    "provision",
    "serve",
    "join",
    "status",
)
HEAVY = (
    "torch",
    "numpy",
    "h5py",
    "hdf5plugin",
    "fabio",
    "gemmi",
    "numba",
    "matplotlib",
    "onnxruntime",
    "onnx",
    "scipy",
    "PIL",
)


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    code = f"import sys, fedbragg.cli; print(sorted({set(HEAVY)!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_help_names_every_command() -> None:
    text = done("--help")
    for command in COMMANDS:
        assert f" {command} " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_imports_nothing_heavy(command: str) -> None:
    """What these imports cost is in benchmarks/starting.py: a time in a test would judge the machine."""
    code = (
        f"import atexit, sys; atexit.register(lambda: print(sorted({set(HEAVY)!r} & set(sys.modules))))\n"
        f"from fedbragg.cli import main; sys.argv = ['fedbragg', {command!r}, '--help']; sys.exit(main())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert f"Usage: fedbragg {command}" in result.stdout
    assert "Options" in result.stdout
    assert result.stdout.strip().splitlines()[-1] == "[]"


def test_the_version_is_the_packages() -> None:
    assert done("--version").strip() == __version__
    module = subprocess.run(
        [sys.executable, "-m", "fedbragg", "--version"], capture_output=True, text=True, check=True
    )
    assert module.stdout.strip() == __version__
    assert FEDBRAGG.is_file()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("scren",), "scren"),
        (("screen", "x.h5", "--modell", "m"), "--modell"),
        (("screen",), "PATH"),
        (("screen", "x.h5", "--model", "m.onnx", "--threshold", "2"), "--threshold"),
        (("simulate", "pilatus6m", "--frames", "0"), "--frames"),
        (("evaluate", "x.h5"), "--labels"),
    ],
)
def test_a_mistyped_command_is_named_in_one_line(arguments: tuple[str, ...], named: str) -> None:
    assert named in refused(*arguments)


def test_ctrl_c_ends_a_command_with_one_line(tmp_path: Path) -> None:
    command = [FEDBRAGG, "simulate", "pilatus2m", "--frames", "1000", "--out", tmp_path]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.iterdir()) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert (process.returncode, said) == (130, "fedbragg: interrupted.\n")


FINALISER = """
import os, signal, sys, time
import fedbragg.simulation
from fedbragg.cli import main
class Gone:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
def simulate_run(*_, **__):
    Gone()
    time.sleep(50)
fedbragg.simulation.simulate_run = simulate_run
sys.exit(main())
"""


def test_ctrl_c_is_not_lost_in_a_finaliser(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FINALISER, "simulate", "pilatus2m", "--out", tmp_path]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=45)
    assert (ended.returncode, ended.stderr) == (130, "fedbragg: interrupted.\n")


@pytest.mark.slow
def test_ctrl_c_ends_a_federation_in_the_midst_of_its_trainings(tmp_path: Path) -> None:
    done("simulate", "ccd", "--frames", "24", "--size", "256", "--out", tmp_path / "site")
    settings = "[hits]\npublic_frames = 0\n[training]\nwarmup_epochs = 1\nepochs = 30\n[federation]\nbarriers = 999\n"
    sites = "".join(
        f'[[sites]]\nname = "{name}"\nruns = ["site"]\nlabels = "site/labels.csv"\n' for name in "ab"
    )
    (tmp_path / "federation.toml").write_text(settings + sites)
    command = [FEDBRAGG, "federate", tmp_path / "federation.toml", "--out", tmp_path / "out"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "out" / "checkpoints").exists() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.5)  # into the next barrier's trainings
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert (process.returncode, said) == (130, "fedbragg: interrupted.\n")
