"""A task that another package installed, over real processes: provision, serve, join, federate."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from toys import toy_federation

from fedbragg.models.onnx_file import read_state

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("nvflare") is None, reason="NVIDIA FLARE is not installed"),
]
FEDBRAGG = Path(sys.executable).with_name("fedbragg")
SITES = ("a", "b", "c")


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{arguments[0]}-{arguments[1].replace('/', '-')}.log").open("ab") as log:
        process = subprocess.Popen(
            [FEDBRAGG, *arguments], cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


@pytest.mark.usefixtures("toy")
def test_real_sites_train_it_to_the_local_engines_model(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = toy_federation(tmp_path)
    head, sites = here.read_text().split("\n[[sites]]", 1)
    server = f'\n[server]\naddress = "localhost:{port}"\n'
    bare = "".join(f'\n[[sites]]\nname = "{name}"\n' for name in SITES)
    (tmp_path / "real.toml").write_text(head + server + bare)
    here.write_text(f"{head}\n[[sites]]{sites}")
    for name in SITES:
        (tmp_path / f"{name}.toml").write_text(
            f'runs = ["-"]\nlabels = "{name}.csv"\n[limits]\ntasks = ["toy"]\n'
        )
    done(tmp_path, "federate", "federation.toml", "--out", "local")
    done(tmp_path, "provision", "real.toml")
    with contextlib.ExitStack() as processes:
        processes.enter_context(running(tmp_path, "serve", "kits/server"))
        for name in SITES:
            processes.enter_context(running(tmp_path, "join", f"kits/{name}", "--data", f"{name}.toml"))
        real = ("--engine", "nvflare", "--kit", "kits/coordinator", "--out", "real")
        said = done(tmp_path, "federate", "real.toml", *real)
    assert "barrier 3: loss" in said
    local, remote = (read_state(tmp_path / name / "model.onnx")["w"] for name in ("local", "real"))
    np.testing.assert_allclose(remote, local, rtol=0, atol=1e-12)


def done(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        [FEDBRAGG, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
