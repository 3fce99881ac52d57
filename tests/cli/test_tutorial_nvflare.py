"""The tutorial of three facilities, run as it is written."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorials" / "three-facilities-on-one-machine.md"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_spec("nvflare") is None, reason="NVIDIA FLARE is not installed"),
]


def test_the_tutorial_works_as_written(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        ["bash", "-e", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=560)
    finally:
        with contextlib.suppress(ProcessLookupError):  # the last step has ended them all
            os.killpg(process.pid, signal.SIGKILL)
    logs = "\n".join(f"{log.name}:\n{log.read_text()}" for log in tmp_path.glob("*.log"))
    assert process.returncode == 0, said + logs
    assert "Traceback" not in said + logs
    assert "ended    all 3 barriers passed" in said
    assert "finished, barrier 3 of 3" in said
    assert len(re.findall("balanced accuracy", said)) == 3
    assert (tmp_path / "federation" / "model.onnx").exists()
