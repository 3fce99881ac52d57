"""Run commands as users do: the installed one in a process of its own, or, where many cases are alike, in this one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from fedbragg.cli import main

FEDBRAGG = Path(sys.executable).with_name("fedbragg")
DATA = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[3] / "shared" / "data"))

SETTINGS = """\
seed = 5
[hits]
public_frames = 36
public_epochs = 25
[training]
warmup_epochs = 3
epochs = 1
[federation]
barriers = 2
[[sites]]
name = "counter"
runs = ["counter/pilatus6m.h5"]
labels = "counter/labels.csv"
[[sites]]
name = "old-ccd"
runs = ["old"]
labels = "old/labels.csv"
speed = 2.0
"""


Refused = Callable[..., str]
"""The fixture ``refused_here``."""


@dataclass(frozen=True)
class Trained:
    """A small federation, trained by the command line alone."""

    folder: Path  # holds counter/, old/, federation.toml and first/
    said: str  # what the training printed

    @property
    def model(self) -> Path:
        return self.folder / "first" / "model.onnx"

    @property
    def run(self) -> Path:
        return self.folder / "counter" / "pilatus6m.h5"

    @property
    def labels(self) -> Path:
        return self.folder / "counter" / "labels.csv"


def fedbragg(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(FEDBRAGG), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def here(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, which spares it two seconds of imports."""
    out, error = io.StringIO(), io.StringIO()
    place = chdir(folder) if folder is not None else nullcontext()
    with redirect_stdout(out), redirect_stderr(error), place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "100")
        code = main([str(argument) for argument in arguments])
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), error.getvalue())


def done(*arguments: str | Path, folder: Path | None = None, code: int = 0) -> str:
    """Run a command that must end with a code; return what it printed."""
    result = here(*arguments, folder=folder)
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout


def refused(*arguments: str | Path, folder: Path | None = None) -> str:
    """Run a command that must end with one line and exit code 2; return the line."""
    result = here(*arguments, folder=folder)
    assert result.returncode == 2, result.stdout + result.stderr
    assert result.stderr.startswith("fedbragg: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stdout == ""
    return result.stderr.removeprefix("fedbragg: ").rstrip("\n")
