"""Run the installed command as users do: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FEDBRAGG = Path(sys.executable).with_name("fedbragg")
DATA = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[3] / "shared" / "data"))


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


def done(*arguments: str | Path, folder: Path | None = None, code: int = 0) -> str:
    """Run a command that must end with a code; return what it printed."""
    result = fedbragg(*arguments, folder=folder)
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout


def refused(*arguments: str | Path, folder: Path | None = None) -> str:
    """Run a command that must end with one line and exit code 2; return the line."""
    result = fedbragg(*arguments, folder=folder)
    assert result.returncode == 2, result.stdout + result.stderr
    assert result.stderr.startswith("fedbragg: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stdout == ""
    return result.stderr.removeprefix("fedbragg: ").rstrip("\n")
